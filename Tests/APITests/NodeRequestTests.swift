import INET256
import NIOCore
import TestSupport
import Testing

@testable import API

@Suite struct NodeRequestTests {
    /// Some JSON encoders write a slash as `\/`, and base64 has slashes.
    @Test func aKeyWithEscapesIsRead() throws {
        for number in UInt8(1)...20 {
            let key = key(number)
            let plain = String(decoding: key.jsonBody, as: UTF8.self)
            let escaped = plain.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "\\/")
            let request = try NodeRequest(path: "/nodes/\(key.address)")
            for text in [plain, escaped] {
                #expect(try request.key(in: ByteBuffer(string: text)).address == key.address)
            }
        }
    }

    @Test func wipingReachesEveryOwnerOfTheMemory() {
        let original = ByteBuffer(string: "head secret tail")
        let copy = original
        original.getSlice(at: 5, length: 6)?.wipe()
        #expect(String(buffer: copy) == "head \0\0\0\0\0\0 tail")
    }
}
