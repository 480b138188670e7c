import Glibc
import Testing

@testable import System

@Suite(.serialized) struct DescriptorStoreTests {
    /// sd_listen_fds(3), and nothing that is meant for somebody else.
    @Test func readsWhatItWasStartedWith() {
        func names(_ process: String?, _ count: String?, _ names: String?) -> [String] {
            DescriptorStore.inherited(process: process, count: count, names: names, own: 7).map {
                "\($0.name)=\($0.number)"
            }
        }
        #expect(names("7", "2", "portal-0:udp-0-0") == ["portal-0=3", "udp-0-0=4"])
        #expect(names("7", "3", "a::c") == ["a=3", "=4", "c=5"])
        #expect(names("7", "2", nil) == ["unknown=3", "unknown=4"])
        #expect(names("8", "2", "a:b") == [], "for another process")
        #expect(names(nil, "2", "a:b") == [])
        for nonsense in ["0", "-1", "x", "", "99999999999999999999", "5000"] {
            #expect(names("7", nonsense, "a:b") == [], "\(nonsense)")
        }
    }

    @Test func whatIsTakenHasAnOwnerAndTheRestIsClosed() throws {
        let (first, second) = (try Self.descriptor(), try Self.descriptor())
        let store = DescriptorStore(inherited: ["a": first, "b": second])
        #expect(store.names == ["a", "b"])
        #expect(store.peek("a") == first)
        do {
            guard let taken = store.take("a") else {
                Issue.record("it is there")
                return
            }
            #expect(taken.number == first && Self.isOpen(first))
            #expect(store.peek("a") == nil, "once")
            store.keep(taken.number, as: "a")
            #expect(store.takenOver == ["a"])
            store.discardRest()
            #expect(!Self.isOpen(second) && Self.isOpen(first) && store.names == [])
        }
        #expect(!Self.isOpen(first))
    }

    /// What is secured stays open when its owner closes it.
    @Test func theHandoverOutlivesTheOwners() throws {
        let store = DescriptorStore()
        let owner = try Self.descriptor()
        store.keep(owner, as: "a")
        let before = Self.open()
        let handover = try store.secure()
        #expect(Self.open().count == before.count + 1)
        close(owner)
        #expect(Self.open().count == before.count)
        handover.cancel()
        #expect(Self.open().count == before.count - 1)
    }

    /// The service manager is handed a descriptor with its name, told to forget it, and waited for.
    @Test func theManagerIsTold() async throws {
        let path = "@inet256vpn-store-\(getpid())"
        let manager = try NotifyListener(path)
        let store = DescriptorStore(manager: try NotifySocket(path: path))
        #expect(store.isManaged && !DescriptorStore().isManaged)
        let (first, second) = (try Self.descriptor(), try Self.descriptor())
        defer {
            close(first)
            close(second)
        }
        store.keep(first, as: "udp-0-0")
        #expect(manager.hear("FDSTORE=1\nFDPOLL=0\nFDNAME=udp-0-0", isLike: first))
        store.keep(second, as: "udp-0-0")
        #expect(manager.hear("FDSTOREREMOVE=1\nFDNAME=udp-0-0", isLike: nil))
        #expect(manager.hear("FDSTORE=1\nFDPOLL=0\nFDNAME=udp-0-0", isLike: second))
        store.discard("udp-0-0")
        #expect(manager.hear("FDSTOREREMOVE=1\nFDNAME=udp-0-0", isLike: nil))
        store.discard("udp-0-0")
        store.discard("nothing")
        #expect(manager.next() == nil, "what is not there is not talked about")
        // The other end of the barrier is closed when the manager has read it: by hand here, on another thread.
        let settled = Task.detached { store.settle() }
        var barrier = manager.receive()
        while barrier == nil {
            await Task.yield()
            barrier = manager.receive()
        }
        #expect(barrier?.text == "BARRIER=1")
        close(try #require(barrier?.handed))
        await settled.value
    }

    private static func descriptor() throws -> Int32 {
        var name = "/tmp/inet256vpn-store-XXXXXX".utf8CString.map { $0 }
        let made = mkstemp(&name)
        try #require(made >= 0)
        unlink(name)
        return made
    }

    private static func isOpen(_ number: Int32) -> Bool { fcntl(number, F_GETFD) >= 0 }

    /// Those of such files alone: other tests open and close theirs meanwhile.
    private static func open() -> [Int32] {
        (3..<1024).filter { number in
            var buffer = [CChar](repeating: 0, count: 64)
            let length = readlink("/proc/self/fd/\(number)", &buffer, buffer.count - 1)
            return length > 0
                && String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
                    .contains("inet256vpn-store-")
        }
    }
}

extension NotifyListener {
    /// Whether the next message is this one, with a descriptor of the same file beside it.
    fileprivate func hear(_ text: String, isLike number: Int32?) -> Bool {
        guard let message = receive() else { return false }
        defer { if let handed = message.handed { close(handed) } }
        guard message.text == text, (message.handed == nil) == (number == nil) else { return false }
        guard let number, let handed = message.handed else { return true }
        var (own, other) = (stat(), stat())
        return fstat(number, &own) == 0 && fstat(handed, &other) == 0 && own.st_ino == other.st_ino
    }
}
