package import INET256
internal import Wire

/// What opens and drops nodes over HTTP: `CONNECT` or `DELETE /nodes/{address}`, and the private key in a body of JSON.
package enum NodeCall: String, Sendable, CaseIterable {
    /// Opens a node; the connection then carries frames.
    case open = "CONNECT"
    /// Removes a node.
    case drop = "DELETE"

    package static let root = "/nodes/"

    package static func path(_ address: Address) -> String { root + address.description }

    /// The address that a path is about; nil where it is about something else.
    package static func address(path: String) throws(AddressTextError) -> Address? {
        guard path.hasPrefix(root) else { return nil }
        return try Address(parsing: path.dropFirst(root.count))
    }

    // MARK: The body

    /// `{"private_key":"<standard base64 of the serialized key>"}` in three parts, the key's text being the second: whoever
    /// puts them together sees to it that no copy of the key is left behind.
    package static let beforeKey = "{\"private_key\":\""
    package static let behindKey = "\"}"
    package static let bodyCount = beforeKey.utf8.count + PrivateKey.textCount + behindKey.utf8.count

    /// The key in such a body. Every copy made on the way is in locked memory; `body` is the caller's to wipe.
    package static func key(in body: UnsafeRawBufferPointer) throws(NodeCallError) -> PrivateKey {
        guard let members = JSONObject(body) else { throw .noKey }
        // A longer text is no key, and locked memory is scarce.
        let copy = SecretBytes(count: min(body.count, longestKeyText))
        let result: Result<PrivateKey, NodeCallError> = copy.withMutableBytes { copy in
            guard let text = members.copyText("private_key", to: copy) else { return .failure(.noKey) }
            do throws(KeyError) {
                return .success(try PrivateKey.parse(file: text))
            } catch {
                return .failure(.badKey(error))
            }
        }
        return try result.get()
    }

    /// Twice the text of a key: room for a few escapes.
    private static let longestKeyText = 2 * PrivateKey.textCount
}

/// Why a body has no key.
package enum NodeCallError: Error, Sendable {
    /// It is not an object with a text `private_key`.
    case noKey
    case badKey(KeyError)
}
