package import INET256
internal import Wire

/// The frames that are written: arrays, made once per message or answer.
extension NodeFrame {
    package static let keep: [UInt8] = frame(.keep, count: 0)

    /// A DATA frame. A payload longer than `longestPayload` is a precondition's fault.
    package static func data(_ address: Address, _ payload: some Collection<UInt8>) -> [UInt8] {
        precondition(payload.count <= longestPayload, "a message fits its frame")
        var bytes = frame(.data, count: Address.count + payload.count)
        bytes.append(address.raw)
        bytes.append(contentsOf: payload)
        return bytes
    }

    /// What stands before `payloadCount` bytes of payload, for frames that are put together in place.
    package static func writeDataHeader(
        _ address: Address, payloadCount: Int, to target: UnsafeMutableRawBufferPointer
    ) {
        precondition(payloadCount <= longestPayload && target.count >= dataHeaderCount, "a message fits its frame")
        let length = UInt32(typeCount + Address.count + payloadCount)
        target.storeBytes(of: length.bigEndian, as: UInt32.self)
        target.storeBytes(of: Kind.data.rawValue.bigEndian, toByteOffset: lengthCount, as: UInt32.self)
        address.raw.withBytes { bytes in
            UnsafeMutableRawBufferPointer(rebasing: target[(lengthCount + typeCount)..<dataHeaderCount])
                .copyMemory(from: bytes)
        }
    }

    /// `{"ok":{"addr":"..."}}`
    package static func found(_ id: NodeQuestionID, _ address: Address) -> [UInt8] {
        request(.find, id, "{\"ok\":{\"addr\":\"\(address)\"}}")
    }

    /// `{"ok":{"public_key":"..."}}`, the key serialized.
    package static func publicKey(_ id: NodeQuestionID, serialized key: [UInt8]) -> [UInt8] {
        request(.publicKey, id, "{\"ok\":{\"public_key\":\"\(Base64.standard.padded(key))\"}}")
    }

    /// What asks for the address that begins with the first `bits` of `prefix`: `{"prefix":"...","nbits":13}`.
    package static func find(_ id: NodeQuestionID, prefix: Address, bits: Int) -> [UInt8] {
        let bytes = Array(prefix.masked(to: bits).raw.bytes.prefix((bits + 7) / 8))
        return request(.find, id, "{\"prefix\":\"\(Base64.standard.padded(bytes))\",\"nbits\":\(bits)}")
    }

    /// What asks for the public key of `target`: `{"target":"..."}`.
    package static func lookup(_ id: NodeQuestionID, _ target: Address) -> [UInt8] {
        request(.publicKey, id, "{\"target\":\"\(target)\"}")
    }

    /// The error of a request. Clients parse `ok` as well, so what stands there is the empty answer: for FIND that is
    /// the address of zeros.
    package static func failed(_ kind: Kind, _ id: NodeQuestionID, _ reason: String) -> [UInt8] {
        let empty = kind == .find ? "\"addr\":\"\(Address(raw: .zero))\"" : ""
        return request(kind, id, "{\"ok\":{\(empty)},\"error\":\(jsonQuoted(reason))}")
    }

    /// A question, or an answer to one.
    package static func request(_ kind: Kind, _ id: NodeQuestionID, _ json: String) -> [UInt8] {
        var bytes = frame(kind, count: requestIDCount + json.utf8.count)
        bytes.appendBig(id.high)
        bytes.appendBig(id.low)
        bytes.append(contentsOf: json.utf8)
        return bytes
    }

    /// Length and type, with room for `count` bytes behind them.
    private static func frame(_ kind: Kind, count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(lengthCount + typeCount + count)
        bytes.appendBig(UInt32(typeCount + count))
        bytes.appendBig(kind.rawValue)
        return bytes
    }
}
