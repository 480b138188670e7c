import Testing
import Wire

@Suite struct EndpointTests {
    @Test(arguments: [
        "192.0.2.1:25632", "0.0.0.0:0", "[2001:db8::1]:25632", "[::]:65535", "[fe80::1%3]:1", "[::1]:80",
    ])
    func roundTrips(text: String) throws {
        let endpoint = try #require(Endpoint(text))
        #expect(endpoint.description == text)
        #expect(Endpoint(endpoint.description) == endpoint)
    }

    @Test(arguments: [
        "", ":", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:+1", "192.0.2.1:x", ":80",
        "2001:db8::1:80",
        "[2001:db8::1]", "[2001:db8::1]80", "[2001:db8::1]:", "[]:80", "[::1:80", "::1]:80", "[fe80::1%]:1",
        "[fe80::1%eth0]:1",
        "[fe80::1%1%2]:1", "[fe80::1%-1]:1", "[fe80::1%+1]:1", "[fe80::1%4294967296]:1", "[192.0.2.1]:80", "host:80",
        "[::1]:80 ", " [::1]:80",
        "[[::1]]:80", "192.0.2.1:080", "192.0.2.1:00", "[fe80::1%01]:1", "192.0.2.1:\u{0661}",
    ])
    func badForms(text: String) {
        #expect(Endpoint(text) == nil)
    }

    @Test func parts() throws {
        let v4 = try #require(Endpoint("192.0.2.1:25632"))
        #expect(v4.isIPv4 && v4.port == 25632 && v4.headerBytes == 28)
        #expect(v4.address.mappedIPv4 == 0xc000_0201)
        let v6 = try #require(Endpoint("[fe80::1%3]:1"))
        #expect(!v6.isIPv4 && v6.scope == 3 && v6.headerBytes == 48)
        #expect(v6 != Endpoint("[fe80::1%4]:1"))
        #expect(Endpoint("[::ffff:192.0.2.1]:25632") == v4)
        #expect(Path(remote: v4) == Path(remote: v4, local: .unspecified, interface: 0, socket: 0))
        #expect(Path(remote: v4) != Path(remote: v4, socket: 1))
    }
}
