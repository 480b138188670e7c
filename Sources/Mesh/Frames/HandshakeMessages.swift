internal import INET256
internal import Wire

/// Datagrams of handshakes and about them, as they come in: each view has a length that was checked, so that its parts are there.
/// Beside each stands what writes it.

/// Message 1, made and read. Made by `Initiation.make`.
struct InitiationMessage {
    let bytes: UnsafeRawBufferPointer

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == InitiationLayout.count, bytes[0] == DatagramKind.initiation.rawValue,
            bytes[1] == protocolVersion
        else { return nil }
        self.bytes = bytes
    }

    /// Bit n offers suite n.
    var suites: UInt16 { bytes.little(InitiationLayout.suites) }
    var sender: UInt32 { bytes.little(InitiationLayout.sender) }
    var hint: UInt32 { bytes.little(InitiationLayout.hint) }
    var ephemeral: [UInt8] {
        Array(bytes[InitiationLayout.ephemeral..<InitiationLayout.ephemeral + Bytes32.count])
    }
    var mac1: [UInt8] { Array(bytes[InitiationLayout.mac1..<InitiationLayout.mac2]) }
}

/// Message 2.
struct ResponseMessage {
    let bytes: UnsafeRawBufferPointer

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.isHandshake(.response, ResponseLayout.count) else { return nil }
        self.bytes = bytes
    }

    var sender: UInt32 { bytes.little(ResponseLayout.sender) }
    var receiver: UInt32 { bytes.little(ResponseLayout.receiver) }
    var noise: [UInt8] { Array(bytes[ResponseLayout.noise...]) }

    static func make(sender: UInt32, receiver: UInt32, noise: [UInt8]) -> [UInt8] {
        handshakeMessage(.response, sender, receiver, noise)
    }
}

/// Message 3.
struct FinishMessage {
    let bytes: UnsafeRawBufferPointer

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.isHandshake(.finish, FinishLayout.count) else { return nil }
        self.bytes = bytes
    }

    var sender: UInt32 { bytes.little(FinishLayout.sender) }
    var receiver: UInt32 { bytes.little(FinishLayout.receiver) }
    var noise: [UInt8] { Array(bytes[FinishLayout.noise...]) }

    static func make(sender: UInt32, receiver: UInt32, noise: [UInt8]) -> [UInt8] {
        handshakeMessage(.finish, sender, receiver, noise)
    }
}

private func handshakeMessage(_ kind: DatagramKind, _ sender: UInt32, _ receiver: UInt32, _ noise: [UInt8]) -> [UInt8] {
    var out: [UInt8] = [kind.rawValue, protocolVersion, 0, 0]
    out.appendLittle(sender)
    out.appendLittle(receiver)
    return out + noise
}

/// A sealed cookie for who called.
struct CookieMessage {
    let bytes: UnsafeRawBufferPointer

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.isPlain(.cookie, CookieLayout.count) else { return nil }
        self.bytes = bytes
    }

    var receiver: UInt32 { bytes.little(CookieLayout.receiver) }
    var nonce: [UInt8] { Array(bytes[CookieLayout.nonce..<CookieLayout.sealed]) }
    var sealed: [UInt8] { Array(bytes[CookieLayout.sealed...]) }

    static func make(receiver: UInt32, nonce: [UInt8], sealed: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [DatagramKind.cookie.rawValue, 0, 0, 0]
        out.appendLittle(receiver)
        return out + nonce + sealed
    }
}

/// "No session of mine has that index."
struct UnknownIndexMessage {
    let bytes: UnsafeRawBufferPointer

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.isPlain(.unknownIndex, HintLayout.count) else { return nil }
        self.bytes = bytes
    }

    var index: UInt32 { bytes.little(HintLayout.index) }
    /// Of the datagram that had it.
    var counter: UInt64 { bytes.little(HintLayout.counter) }

    static func make(_ head: TransportHead) -> [UInt8] {
        var out: [UInt8] = [DatagramKind.unknownIndex.rawValue, 0, 0, 0]
        out.appendLittle(head.index)
        out.appendLittle(head.counter)
        return out
    }
}

/// What stands before a sealed frame.
struct TransportHead {
    let index: UInt32
    let counter: UInt64

    init(index: UInt32, counter: UInt64) {
        self.index = index
        self.counter = counter
    }

    @inline(__always)
    init?(_ datagram: UnsafeRawBufferPointer) {
        guard datagram.count >= TransportLayout.minimum else { return nil }
        index = datagram.little(TransportLayout.receiver)
        counter = datagram.little(TransportLayout.counter)
    }
}
