import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// The datagrams of handshakes and about them: there and back, of every other length, with turned bits.
@Suite struct HandshakeMessageTests {
    private static let noise = (0..<180).map { UInt8($0) }
    private static let nonce = (0..<24).map { UInt8($0 + 1) }
    private static let sealed = (0..<32).map { UInt8($0 + 100) }

    /// Each with what tells whether bytes are one, and the bytes of its head that must be as they are.
    private static func samples() -> [(name: String, bytes: [UInt8], fixed: [Int], isOne: ([UInt8]) -> Bool)] {
        let stranger = Stranger(MeshSim.SeededRandom(seed: 1))
        let head = TransportHead(index: 9, counter: 1 << 40)
        return [
            ("initiation", stranger.call(stranger.address), [0, 1], { read($0) { InitiationMessage($0) != nil } }),
            (
                "response", ResponseMessage.make(sender: 1, receiver: 2, noise: noise), [0, 1, 2, 3],
                { read($0) { ResponseMessage($0) != nil } }
            ),
            (
                "finish", FinishMessage.make(sender: 1, receiver: 2, noise: Array(noise.prefix(148))), [0, 1, 2, 3],
                { read($0) { FinishMessage($0) != nil } }
            ),
            (
                "cookie", CookieMessage.make(receiver: 3, nonce: nonce, sealed: sealed), [0, 1, 2, 3],
                { read($0) { CookieMessage($0) != nil } }
            ),
            (
                "unknown index", UnknownIndexMessage.make(head), [0, 1, 2, 3],
                { read($0) { UnknownIndexMessage($0) != nil } }
            ),
        ]
    }

    private static func read<T>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) -> T) -> T {
        bytes.withUnsafeBytes(body)
    }

    @Test func oneLengthAndNoOther() {
        for sample in Self.samples() {
            for count in 0...sample.bytes.count + 8 {
                let bytes = Array((sample.bytes + [UInt8](repeating: 0, count: 8)).prefix(count))
                #expect(sample.isOne(bytes) == (count == sample.bytes.count), "\(sample.name), \(count) bytes")
            }
        }
    }

    @Test func everyBitOfTheHeadTurned() {
        for sample in Self.samples() {
            for bit in 0..<16 * 8 {
                var bytes = sample.bytes
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(sample.isOne(bytes) == !sample.fixed.contains(bit / 8), "\(sample.name), bit \(bit)")
            }
        }
    }

    @Test func whatTheySay() {
        Self.read(ResponseMessage.make(sender: 0x0102_0304, receiver: 0x0506_0708, noise: Self.noise)) { bytes in
            let message = ResponseMessage(bytes)
            #expect(message?.sender == 0x0102_0304 && message?.receiver == 0x0506_0708)
            #expect(message?.noise == Self.noise)
        }
        let short = Array(Self.noise.prefix(148))
        Self.read(FinishMessage.make(sender: 0x0102_0304, receiver: 0x0506_0708, noise: short)) { bytes in
            let message = FinishMessage(bytes)
            #expect(message?.sender == 0x0102_0304 && message?.receiver == 0x0506_0708 && message?.noise == short)
        }
        Self.read(CookieMessage.make(receiver: 0x0102_0304, nonce: Self.nonce, sealed: Self.sealed)) { bytes in
            let message = CookieMessage(bytes)
            #expect(message?.receiver == 0x0102_0304 && message?.nonce == Self.nonce && message?.sealed == Self.sealed)
        }
        Self.read(UnknownIndexMessage.make(TransportHead(index: 9, counter: 1 << 40))) { bytes in
            let message = UnknownIndexMessage(bytes)
            #expect(message?.index == 9 && message?.counter == 1 << 40)
        }
    }

    @Test func whatACallSays() throws {
        let random = MeshSim.SeededRandom(seed: 2)
        let caller = Stranger(random)
        let callee = PrivateKey(generatedFrom: random).address
        let call = caller.call(callee)
        let keys = AddressKeys(callee)
        Self.read(call) { bytes in
            let message = InitiationMessage(bytes)
            #expect(message?.hint == keys.hint && message?.mac1 == keys.mac1(bytes))
            #expect(message?.suites == bytes.little(InitiationLayout.suites) && message?.suites != 0)
            #expect(message?.sender == bytes.little(InitiationLayout.sender))
            #expect(message?.ephemeral == Array(call[12..<44]))
        }
    }

    /// A sealed frame has at least its kind.
    @Test func aTransportHeadIsNotRead() {
        for count in 0..<TransportLayout.minimum {
            let bytes = [UInt8](repeating: 4, count: count)
            #expect(Self.read(bytes) { TransportHead($0) == nil }, "\(count) bytes")
        }
        let bytes = (0..<UInt8(TransportLayout.minimum)).map { $0 }
        let head = Self.read(bytes) { TransportHead($0) }
        #expect(head?.index == 0x0706_0504 && head?.counter == 0x0f0e_0d0c_0b0a_0908)
    }
}
