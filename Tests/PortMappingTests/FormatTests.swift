import TestSupport
import Testing
import Wire

@testable import PortMapping

/// What is on the wire, byte for byte as RFC 6887 and RFC 6886 draw it.
@Suite struct FormatTests {
    private static let own = Router.own.address

    private func read<R>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) -> R) -> R { bytes.withUnsafeBytes(body) }

    @Test func aRequestForAMapping() throws {
        let nonce = MappingNonce(SeededRandom(seed: 1))
        let request = PCPMapRequest(
            client: Self.own, nonce: nonce, internalPort: 0x6420,
            suggested: Endpoint(address: IPv6Address(mappedIPv4: 0), port: 0x1234), lifetime: 7200)
        let bytes = request.bytes
        #expect(bytes.count == 60)
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
        #expect(Array(bytes[..<24]) == [2, 1, 0, 0, 0, 0, 0x1c, 0x20] + mapped + [10, 0, 0, 2])
        #expect(Array(bytes[36...]) == [17, 0, 0, 0, 0x64, 0x20, 0x12, 0x34] + mapped + [0, 0, 0, 0])
        // What comes back with the same nonce is the same.
        let answer = Router.pcp(request, external: Router.external, port: 4000, epoch: 7)
        let response = try #require(read(answer) { PCPResponse($0) })
        #expect(response.lifetime == 7200 && response.epoch == 7 && response.result == 0)
        let external = Endpoint(address: Router.external, port: 4000)
        #expect(response.body == .map(nonce: nonce, internalPort: 0x6420, external: external))
    }

    @Test func aQuestionForTheEpoch() {
        let bytes = PCPFormat.announceRequest(client: Self.own)
        #expect(bytes == [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2])
    }

    @Test func whatIsNoAnswer() {
        let request = PCPMapRequest(
            client: Self.own, nonce: MappingNonce(SeededRandom(seed: 1)), internalPort: 1, suggested: Router.own,
            lifetime: 1)
        let good = Router.pcp(request, external: Router.external, port: 4000, epoch: 7)
        for count in 0..<good.count { #expect(read(Array(good[..<count])) { PCPResponse($0) } == nil, "\(count)") }
        // A question, another version, another opcode, another protocol.
        for (place, value) in [(1, UInt8(1)), (0, 1), (1, 0x82), (36, 6)] {
            var bent = good
            bent[place] = value
            #expect(read(bent) { PCPResponse($0) } == nil, "\(place)")
        }
        #expect(read(good + [UInt8](repeating: 0, count: 1100)) { PCPResponse($0) } == nil)
        #expect(read(request.bytes) { PCPResponse($0) } == nil)
        let announcement: [UInt8] = [2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9] + [UInt8](repeating: 0, count: 12)
        #expect(read(announcement) { PCPResponse($0) }?.body == .announcement)
    }

    @Test func theElderProtocol() {
        #expect(NATPMPFormat.addressRequest == [0, 0])
        #expect(
            NATPMPFormat.mapRequest(internalPort: 0x6420, suggested: 0x1234, lifetime: 7200)
                == [0, 1, 0, 0, 0x64, 0x20, 0x12, 0x34, 0, 0, 0x1c, 0x20])
        let address: [UInt8] = [0, 128, 0, 0, 0, 0, 0, 9, 203, 0, 113, 7]
        let response = read(address) { NATPMPResponse($0) }
        #expect(response?.epoch == 9 && response?.body == .address(Router.external))
        let map: [UInt8] = [0, 129, 0, 0, 0, 0, 0, 9, 0x64, 0x20, 0x0f, 0xa0, 0, 0, 0x0e, 0x10]
        #expect(
            read(map) { NATPMPResponse($0) }?.body == .map(internalPort: 0x6420, externalPort: 4000, lifetime: 3600))
        for good in [address, map] {
            for count in 0..<good.count { #expect(read(Array(good[..<count])) { NATPMPResponse($0) } == nil) }
        }
        #expect(read([0, 128, 0, 3, 0, 0, 0, 1]) { NATPMPResponse($0) }?.result == 3)
        #expect(read([0, 1, 0, 0]) { NATPMPResponse($0) } == nil)
        #expect(read([0, 130, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]) { NATPMPResponse($0) } == nil)
    }

    @Test func everyErrorHasWords() {
        let texts = (0...14).map { PCPResult.text($0) } + (0...6).map { NATPMPResult.text($0) }
        #expect(texts.allSatisfy { !$0.isEmpty })
        #expect(PCPResult.text(200) == "it answered with error 200")
    }
}
