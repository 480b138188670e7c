import INET256
import NodeProtocol
import TestSupport
import Testing

@Suite struct NodeCallTests {
    private func key(_ body: [UInt8]) throws(NodeCallError) -> PrivateKey {
        let result: Result<PrivateKey, NodeCallError> = body.withUnsafeBytes { bytes in
            do throws(NodeCallError) { return .success(try NodeCall.key(in: bytes)) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    @Test func theBodyOfTheOneIsReadByTheOther() throws {
        let key = TestSupport.key(4)
        let text = key.text().withBytes { Array($0) }
        let body = Array(NodeCall.beforeKey.utf8) + text + Array(NodeCall.behindKey.utf8)
        #expect(body.count == NodeCall.bodyCount)
        #expect(try self.key(body).address == key.address)
        // As others write it.
        let spaced = Array("{ \"x\" : [1], \"private_key\" : \"".utf8) + text + Array("\\n\" }".utf8)
        #expect(try self.key(spaced).address == key.address)
    }

    @Test func aBodyWithoutAKeyIsRefused() {
        for text in ["", "{}", "[]", "{\"private_key\":1}", "{\"private_key\":\"é\"}"] {
            let error = #expect(throws: NodeCallError.self, "\(text)") { try key(Array(text.utf8)) }
            guard case .noKey? = error else { return #expect(Bool(false), "\(text)") }
        }
        for text in ["{\"private_key\":\"\"}", "{\"private_key\":\"AAAA\"}", "{\"private_key\":\"*\"}"] {
            let error = #expect(throws: NodeCallError.self, "\(text)") { try key(Array(text.utf8)) }
            guard case .badKey? = error else { return #expect(Bool(false), "\(text)") }
        }
    }

    @Test func pathsNameNodes() throws {
        let address = TestSupport.key(4).address
        #expect(try NodeCall.address(path: NodeCall.path(address)) == address)
        #expect(try NodeCall.address(path: "/admin/status") == nil)
        #expect(try NodeCall.address(path: "/nodes") == nil)
        #expect(throws: AddressTextError.wrongLength(0)) { try NodeCall.address(path: "/nodes/") }
        #expect(throws: AddressTextError.self) { try NodeCall.address(path: "/nodes/\(address)/x") }
        #expect(NodeCall.allCases.map(\.rawValue) == ["CONNECT", "DELETE"])
    }
}
