internal import INET256
internal import Wire

/// A message 1 that was answered: waits for message 3. Holds what is needed to repeat the answer.
final class Response {
    let index: UInt32
    let local: BoxNode
    let caller: UInt32
    /// mac1 of the message 1 that was answered: the same message again gets the same bytes, without new work.
    let mac1: [UInt8]
    let waiting: XXResponderWaiting
    let message: [UInt8]
    let suite: SuiteChoice
    let created: Instant
    /// The path that message 2 went to, when it went straight.
    let path: Path?
    /// Message 2 went to other endpoints as well: then message 3 does not prove from which of them its sender has it.
    var wentElsewhere = false
    /// The call came from where a configured peer is expected, and that it did is not merely said while others flood.
    let isExpected: Bool

    /// Answers a call under an index that is free.
    init(
        _ call: Call, index: UInt32, from arrival: Arrival, isExpected: Bool, random: any RandomSource, now: Instant
    ) throws(HandshakeError) {
        let payload = Identity.payload(call.local.key.publicKey, suite: call.suite.cipher, index: index)
        let (noise, waiting) = try call.noise.respond(ephemeral: .generate(random), payload: payload)
        self.index = index
        self.waiting = waiting
        self.isExpected = isExpected
        local = call.local
        caller = call.sender
        mac1 = call.mac1
        suite = call.suite
        message = ResponseMessage.make(sender: index, receiver: call.sender, noise: noise)
        created = now
        path = arrival.path
    }
}

/// A message 1 that may be answered: its suites have one in common with ours, and its key is one.
struct Call {
    let local: BoxNode
    let sender: UInt32
    let mac1: [UInt8]
    let suite: SuiteChoice
    fileprivate let noise: XXResponder

    init(_ message: InitiationMessage, to local: BoxNode, suites: Suites) throws(HandshakeError) {
        guard let suite = suites.choose(from: message.suites) else { throw .noCommonSuite }
        self.suite = suite
        self.local = local
        sender = message.sender
        mac1 = message.mac1
        noise = try XXResponder(
            prologue: handshakePrologue(suites: message.suites, callee: local.address), ours: local.noise,
            message: message.ephemeral)
    }
}
