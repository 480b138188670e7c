import Testing
import Wire

@Suite struct ECNTests {
    /// RFC 6040 section 4.2, figure 4, row by row: the inner field, then what leaves for the outer fields
    /// Not-ECT, ECT(0), ECT(1), CE.
    @Test(arguments: [
        (ECN.notCapable, [ECN.notCapable, ECN.notCapable, ECN.notCapable, nil]),
        (ECN.capable0, [ECN.capable0, ECN.capable0, ECN.capable1, ECN.congested]),
        (ECN.capable1, [ECN.capable1, ECN.capable1, ECN.capable1, ECN.congested]),
        (ECN.congested, [ECN.congested, ECN.congested, ECN.congested, ECN.congested]),
    ])
    func leavesATunnelByTheBook(inner: UInt8, expected: [UInt8?]) {
        let outer = [ECN.notCapable, ECN.capable0, ECN.capable1, ECN.congested]
        #expect(outer.map { ECN.leaving(inner: inner, outer: $0) } == expected)
        // The DSCP above it does not matter.
        #expect(outer.map { ECN.leaving(inner: inner | 0xb8, outer: $0 | 0x20) } == expected)
    }
}
