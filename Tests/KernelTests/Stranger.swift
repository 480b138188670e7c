import Foundation

/// A default router that nobody trusts: it notes whatever comes to it for the mesh's prefix.
struct Stranger {
    let namespace: String
    /// Its address, and the names of the wire at the box's end and at its own.
    let address: String
    let wire: String
    private let far: String
    private let capture: RunningCommand

    /// Wires the box to a namespace of its own, and makes that the box's default router.
    init(in bed: Testbed, beside box: Box, number: Int = 1) async throws {
        namespace = try await bed.namespace("stranger\(number)")
        wire = "up\(number)"
        far = "down\(number)"
        address = "2001:db8:\(number)::fe"
        try await bed.wire(
            box.namespace, wire, "2001:db8:\(number)::1/64", namespace, far, "2001:db8:\(number)::fe/64")
        capture = try bed.start(
            ["tcpdump", "-i", far, "-n", "-l", "--immediate-mode", "ip6 and dst net fd00::/8"], in: namespace)
        let listens = capture
        try await eventually("the stranger listens") { listens.said.contains("listening on") }
    }

    /// What came for the mesh.
    var heard: [String] { capture.said.split(separator: "\n").map(String.init).filter { $0.contains("IP6") } }

    /// Gives the stranger an address that can be pinged, such as one of a network behind it.
    func own(_ address: String, onTheWire: Bool = false, in bed: Testbed) async throws {
        let device = onTheWire ? far : "lo"
        try await bed.ip("-n", namespace, "address", "add", "\(address)/128", "dev", device, "nodad")
    }
}

/// A program that sends to an address of the mesh all the time: datagrams by an old socket and by new ones, every
/// millisecond, and calls for a connection between them.
struct Sending {
    private let command: RunningCommand

    init(in box: Box, to target: String) throws {
        let path = box.directory + "/sending.py"
        try Self.source.write(toFile: path, atomically: true, encoding: .utf8)
        command = try box.start(words: ["python3", "-I", "-S", path, target])
    }

    /// How many it has tried so far, and how many of them the kernel refused to send.
    var counts: (tries: Int, refused: Int) {
        let whole = command.said.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        let numbers = whole.last?.split(separator: " ").compactMap { Int($0) } ?? []
        return numbers.count == 2 ? (numbers[0], numbers[1]) : (0, 0)
    }

    /// Waits until it has tried that many times more.
    func goOn(_ more: Int = 100) async throws {
        let until = counts.tries + more
        try await eventually("\(more) more are sent") { counts.tries >= until }
    }

    func stop() async {
        command.signal(SIGTERM)
        _ = await command.finish(within: .seconds(5))
    }

    private static let source = """
        import socket, sys, time
        target = (sys.argv[1], 7009)
        old = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        tries = refused = 0
        def attempt(call):
            global tries, refused
            tries += 1
            try:
                call()
            except BlockingIOError:
                pass
            except OSError:
                refused += 1
        told = 0
        while True:
            attempt(lambda: old.sendto(b"secret", target))
            fresh = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            attempt(lambda: fresh.sendto(b"secret", target))
            fresh.close()
            if tries % 20 == 0:
                caller = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
                caller.setblocking(False)
                attempt(lambda: caller.connect(target))
                caller.close()
            if time.monotonic() - told > 0.1:
                told = time.monotonic()
                print(tries, refused, flush=True)
            time.sleep(0.001)
        """
}
