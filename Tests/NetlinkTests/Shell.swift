import Glibc
import Netlink
import Synchronization

/// A child shares our descriptors from its birth until its exec is through, so a device closed meanwhile would live
/// on for a moment. Running programs and closing devices therefore exclude each other.
private let runningOrClosing = Mutex(())

/// Runs a program in the calling thread's namespace and waits for it.
/// - Returns: its exit code, and what it wrote on standard output and error.
@discardableResult
func run(_ command: String) -> (code: Int32, output: String) {
    runningOrClosing.withLock { _ in runAlone(command) }
}

private func runAlone(_ command: String) -> (code: Int32, output: String) {
    var ends: [Int32] = [0, 0]
    precondition(pipe(&ends) == 0, "pipe: \(errno)")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    posix_spawn_file_actions_addclose(&actions, ends[1])
    defer { posix_spawn_file_actions_destroy(&actions) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var pid: pid_t = 0
    let words = ["/bin/sh", "-c", "PATH=/usr/sbin:/usr/bin:/sbin:/bin; \(command)"]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { word in strdup(word) } + [nil]
    let failed = posix_spawn(&pid, "/bin/sh", &actions, nil, &arguments, environ)
    for argument in arguments { free(argument) }
    close(ends[1])
    defer { close(ends[0]) }
    guard failed == 0 else { return (-1, "posix_spawn: \(failed)") }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = read(ends[0], &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { break }
        output += chunk[0..<count]
    }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    return (status >> 8 & 0xff, String(decoding: output, as: UTF8.self))
}

/// A TUN device as the portal would make it, held open until it is closed.
struct Tun: ~Copyable {
    private let descriptor: Int32
    private let name: String

    struct Refused: Error { let code: Int32 }

    /// - Throws: what /dev/net/tun refused with.
    init(_ name: String, persistent: Bool = false) throws(Refused) {
        self.name = name
        descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw Refused(code: errno) }
        // struct ifreq: the name in 16 bytes, then flags: IFF_TUN | IFF_NO_PI.
        var request = [UInt8](repeating: 0, count: 40)
        request.replaceSubrange(0..<name.utf8.count, with: name.utf8)
        request[16] = 0x01
        request[17] = 0x10
        let setInterface: UInt = 0x4004_54ca
        let setPersistent: UInt = 0x4004_54cb
        guard ioctl(descriptor, setInterface, &request) == 0, ioctl(descriptor, setPersistent, persistent ? 1 : 0) == 0
        else {
            let code = errno
            Glibc.close(descriptor)
            throw Refused(code: code)
        }
    }

    deinit { _ = runningOrClosing.withLock { _ in Glibc.close(descriptor) } }

    /// Gives the device up here and not earlier; it goes too when a test fails before. Programs that other tests of
    /// this process start share the descriptor for a moment as well, so this waits until nobody holds it.
    consuming func close() {
        let name = self.name
        Self.end(self)
        for _ in 0..<5000 {
            guard let socket = try? NetlinkSocket(), let link = try? Links(socket).find(name), link.hasCarrier == true
            else { return }
            usleep(1000)
        }
    }

    private static func end(_: consuming Tun) {}
}
