import Testing
import Wire

@Suite struct HostPortTests {
    @Test func theLastColonIsThePorts() throws {
        let name = try #require(HostPort("box.example:25632"))
        #expect(name.host == "box.example" && name.port == 25632 && !name.isBracketed)
        let six = try #require(HostPort("[2001:db8::1%eth0]:1"))
        #expect(six.host == "2001:db8::1%eth0" && six.port == 1 && six.isBracketed)
        // Whether that is a host is the caller's question.
        #expect(HostPort("::1:5")?.host == "::1" && HostPort("a/b:0")?.host == "a/b")
    }

    @Test(arguments: ["", "x", ":1", "[]:1", "x:", "x:-1", "x:+1", "x:01", "x:65536", "x: 1", "x:1 ", "[::1]", "x:1x"])
    func whatHasNoPortIsNone(_ text: String) { #expect(HostPort(text[...]) == nil) }

    @Test func socketsAreNamed() throws {
        guard case .unix("/run/x.sock") = try SocketText("unix:///run/x.sock") else {
            return #expect(Bool(false), "no path")
        }
        guard case .tcp("127.0.0.1:1/") = try SocketText("tcp://127.0.0.1:1/") else {
            return #expect(Bool(false), "no host")
        }
        let long = "unix:///" + String(repeating: "x", count: 107)
        #expect(throws: SocketTextError.pathTooLong(108)) { try SocketText(long) }
        #expect(throws: Never.self) { try SocketText(String(long.dropLast())) }
        for bad in ["unix://", "unix:///a\0b"] { #expect(throws: SocketTextError.noPath) { try SocketText(bad) } }
        for bad in ["", "/run/x.sock", "http://x", "UNIX:///x"] {
            #expect(throws: SocketTextError.unknownScheme) { try SocketText(bad) }
        }
    }
}
