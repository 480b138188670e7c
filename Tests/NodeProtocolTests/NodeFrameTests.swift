import INET256
import NodeProtocol
import TestSupport
import Testing
import Wire

@Suite struct NodeFrameTests {
    private func first(_ bytes: [UInt8]) throws -> (kind: NodeFrame.Kind, count: Int)? {
        try bytes.withUnsafeBytes { try NodeFrame.first(in: $0).map { ($0.kind, $0.bytes.count) } }
    }

    @Test func recordedFramesAreWrittenAlike() throws {
        let vectors = try RecordedFrames.load()
        let address = Address(raw: try #require(Bytes32(hex(vectors.addressHex))))
        let request = hex(vectors.findAddrReq)
        let id = try #require(try request.withUnsafeBytes { try NodeFrame.first(in: $0)?.requestID })
        #expect(NodeFrame.longest == vectors.maxMessageLen && NodeFrame.longestPayload == vectors.mtu)
        #expect(NodeFrame.data(address, []) == hex(vectors.dataEmpty))
        #expect(NodeFrame.data(address, Array("hello".utf8)) == hex(vectors.dataHello))
        #expect(NodeFrame.keep == hex(vectors.keepalive))
        #expect(NodeFrame.found(id, address) == hex(vectors.findAddrOk))
        #expect(NodeFrame.failed(.find, id, "no address with prefix") == hex(vectors.findAddrError))
        #expect(NodeFrame.publicKey(id, serialized: Array("key".utf8)) == hex(vectors.lookupPublicKeyOk))
        #expect(NodeFrame.failed(.publicKey, id, "public key not found") == hex(vectors.lookupPublicKeyError))
        var header = [UInt8](repeating: 0, count: NodeFrame.dataHeaderCount)
        header.withUnsafeMutableBytes { NodeFrame.writeDataHeader(address, payloadCount: 5, to: $0) }
        #expect(header + Array("hello".utf8) == hex(vectors.dataHello))
    }

    @Test func recordedFramesAreRead() throws {
        let vectors = try RecordedFrames.load()
        let address = Address(raw: try #require(Bytes32(hex(vectors.addressHex))))
        try hex(vectors.dataHello).withUnsafeBytes { bytes in
            let frame = try #require(try NodeFrame.first(in: bytes))
            #expect(frame.address == address && frame.payload.elementsEqual("hello".utf8))
        }
        try hex(vectors.findAddrReq).withUnsafeBytes { bytes in
            let question = try NodeQuestion(try #require(try NodeFrame.first(in: bytes)))
            guard case .address(let prefix, 13) = question.subject else {
                Issue.record("not a FIND for 13 bits")
                return
            }
            #expect(prefix.raw.bytes.prefix(3) == [0x74, 0x60, 0])
        }
        try hex(vectors.lookupPublicKeyReq).withUnsafeBytes { bytes in
            let question = try NodeQuestion(try #require(try NodeFrame.first(in: bytes)))
            guard case .publicKey(of: address) = question.subject else {
                Issue.record("not a PUBK for the address")
                return
            }
        }
    }

    @Test func everyBeginningIsIncompleteAndEveryFaultIsSeen() throws {
        let frame = hex(try RecordedFrames.load().findAddrReq)
        for count in 0..<frame.count { #expect(try first(Array(frame[..<count])) == nil) }
        #expect(try first(frame + [1, 2])?.count == frame.count)
        let data = [UInt8]("DATA".utf8)
        #expect(throws: NodeFrameError.overlong(65_572)) { try first([0, 1, 0, 0x24]) }
        #expect(try first([0, 1, 0, 0x23] + data) == nil)
        #expect(throws: NodeFrameError.short(3)) { try first([0, 0, 0, 3]) }
        #expect(throws: NodeFrameError.short(35)) { try first([0, 0, 0, 35] + data) }
        #expect(throws: NodeFrameError.overlong(5)) { try first([0, 0, 0, 5] + Array("KEEP".utf8)) }
        #expect(throws: NodeFrameError.short(19)) { try first([0, 0, 0, 19] + Array("FIND".utf8)) }
        #expect(throws: NodeFrameError.unknownType(0x64617461)) { try first([0, 0, 0, 40] + Array("data".utf8)) }
    }

    /// What the client writes is what the recorded client wrote.
    @Test func questionsAreWrittenAsRecorded() throws {
        let vectors = try RecordedFrames.load()
        let address = Address(raw: try #require(Bytes32(hex(vectors.addressHex))))
        let id = hex(vectors.requestId).withUnsafeBytes { bytes in
            NodeQuestionID(high: bytes.big(UInt64.self, at: 0) ?? 0, low: bytes.big(UInt64.self, at: 8) ?? 0)
        }
        let prefix = Address(raw: try #require(Bytes32([0x74, 0x67] + [UInt8](repeating: 0xff, count: 30))))
        #expect(NodeFrame.find(id, prefix: prefix, bits: 13) == hex(vectors.findAddrReq))
        #expect(NodeFrame.lookup(id, address) == hex(vectors.lookupPublicKeyReq))
    }

    @Test func questionsThatAreNoneAreRefused() throws {
        let id = NodeQuestionID(high: 7, low: 8)
        func refusal(_ kind: NodeFrame.Kind, _ json: String) -> NodeQuestionError? {
            NodeFrame.request(kind, id, json).withUnsafeBytes { bytes in
                do throws(NodeQuestionError) {
                    guard let frame = try? NodeFrame.first(in: bytes) else { return nil }
                    _ = try NodeQuestion(frame)
                    return nil
                } catch {
                    return error
                }
            }
        }
        #expect(refusal(.find, "[]") == .notJSON && refusal(.publicKey, "") == .notJSON)
        for bits in ["-1", "257", "\"13\"", "null"] {
            #expect(refusal(.find, "{\"prefix\":\"dGA=\",\"nbits\":\(bits)}") == .badBits)
        }
        let long = String(repeating: "A", count: 44)
        for prefix in ["d", "", "dG*", long] {
            #expect(refusal(.find, "{\"prefix\":\"\(prefix)\",\"nbits\":13}") == .badPrefix)
        }
        #expect(refusal(.find, "{\"prefix\":\"dGA\",\"nbits\":13}") == nil)
        #expect(refusal(.publicKey, "{\"target\":\"nobody\"}") == .badTarget)
    }

    @Test func dataFramesAreWalkedOver() throws {
        let address = Address(raw: try #require(Bytes32([UInt8](repeating: 3, count: 32))))
        let frames = NodeFrame.data(address, []) + NodeFrame.data(address, [UInt8](repeating: 1, count: 65_535))
        frames.withUnsafeBytes { bytes in
            #expect(DataFrame.messages(in: bytes) == 2)
            #expect(DataFrame.count(at: 0, in: bytes) == DataFrame.header)
            #expect(DataFrame.count(at: 40, in: bytes) == 40 + 65_535)
            #expect(DataFrame.count(at: 1, in: bytes) == nil && DataFrame.count(at: bytes.count, in: bytes) == nil)
            for cut in [1, 39, 40, 41, 79, 80, 1000, bytes.count - 1] {
                #expect(DataFrame.messages(in: UnsafeRawBufferPointer(rebasing: bytes[..<cut])) == (cut < 40 ? 0 : 1))
            }
        }
        for other in [NodeFrame.keep, NodeFrame.lookup(NodeQuestionID(high: 0, low: 0), address), [0, 1, 0, 0x24]] {
            (other + [UInt8](repeating: 0, count: 70_000)).withUnsafeBytes { bytes in
                #expect(DataFrame.count(at: 0, in: bytes) == nil)
            }
        }
        var header = DataFrame.blank
        header.withUnsafeMutableBytes { NodeFrame.writeDataHeader(address, payloadCount: 0, to: $0) }
        #expect(header == NodeFrame.data(address, []))
    }
}
