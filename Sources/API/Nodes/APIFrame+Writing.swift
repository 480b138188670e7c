public import INET256
internal import Wire

/// The frames that are written: arrays, made once per message or answer.
extension APIFrame {
    public static let keep: [UInt8] = frame(.keep, count: 0)

    /// A DATA frame. A payload longer than `longestPayload` is a precondition's fault.
    public static func data(_ address: Address, _ payload: some Collection<UInt8>) -> [UInt8] {
        precondition(payload.count <= longestPayload, "a message fits its frame")
        var bytes = frame(.data, count: Address.count + payload.count)
        bytes.append(address.raw)
        bytes.append(contentsOf: payload)
        return bytes
    }

    /// What stands before `payloadCount` bytes of payload, for frames that are put together in place.
    public static func writeDataHeader(
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
    static func found(_ id: APIRequestID, _ address: Address) -> [UInt8] {
        answer(.find, id, "{\"ok\":{\"addr\":\"\(address)\"}}")
    }

    /// `{"ok":{"public_key":"..."}}`, the key serialized.
    static func publicKey(_ id: APIRequestID, serialized key: [UInt8]) -> [UInt8] {
        answer(.publicKey, id, "{\"ok\":{\"public_key\":\"\(StandardBase64.text(key))\"}}")
    }

    /// The error of a request. Clients parse `ok` as well, so what stands there is the empty answer: for FIND that is
    /// the address of zeros.
    static func failed(_ kind: Kind, _ id: APIRequestID, _ reason: String) -> [UInt8] {
        let empty = kind == .find ? "\"addr\":\"\(Address(raw: .zero))\"" : ""
        return answer(kind, id, "{\"ok\":{\(empty)},\"error\":\(jsonText(reason))}")
    }

    private static func answer(_ kind: Kind, _ id: APIRequestID, _ json: String) -> [UInt8] {
        var bytes = frame(kind, count: requestIDCount + json.utf8.count)
        withUnsafeBytes(of: id.high) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: id.low) { bytes.append(contentsOf: $0) }
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
