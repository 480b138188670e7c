internal import System
internal import Transport

/// How the threads that carry packets stand to all others that want the processor (`scheduling`).
///
/// A tunnel is a queue in front of a program: while that waits for its turn, which takes milliseconds on a busy machine,
/// packets pile up in sockets where nobody sorts or shortens them. In the kernel's real-time class it has its turn at once, as
/// a driver has. The price: smaller turns, so more work a byte, and other programs have what processors are left.
package enum ThreadScheduling: String, CaseIterable, Codable, Sendable {
    /// Like every other thread.
    case normal
    /// Before all ordinary threads: a packet waits for no other program.
    case realtime

    /// Settles it for the calling thread.
    func settle() throws(SystemError) {
        switch self {
        case .normal: break
        case .realtime: try CurrentThread.runInRealTime()
        }
    }
}
