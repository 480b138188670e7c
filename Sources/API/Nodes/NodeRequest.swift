internal import Glibc
internal import INET256
internal import NIOCore
internal import NIOHTTP1
internal import NodeProtocol

/// What CONNECT and DELETE ask for: `/nodes/{address}`, and the private key in a body of JSON (`NodeCall`).
struct NodeRequest {
    let address: Address

    init(path: String) throws(NodeRequestError) {
        let found: Address?
        do throws(AddressTextError) { found = try NodeCall.address(path: path) } catch {
            throw .badAddress(error.description)
        }
        guard let found else { throw .elsewhere(path) }
        address = found
    }

    /// The key in the body. Its address must be the one asked for.
    func key(in body: ByteBuffer) throws(NodeRequestError) -> PrivateKey {
        let result: Result<PrivateKey, NodeRequestError> = body.withUnsafeReadableBytes { bytes in
            do throws(NodeCallError) {
                return .success(try NodeCall.key(in: bytes))
            } catch {
                switch error {
                case .noKey: return .failure(.badJSON)
                case .badKey(let fault): return .failure(.badKey(fault.description))
                }
            }
        }
        let key = try result.get()
        guard key.address == address else { throw .otherKey(key.address) }
        return key
    }
}

/// Why a request for a node is refused before anybody is asked.
enum NodeRequestError: Error {
    case elsewhere(String)
    case badAddress(String)
    case badJSON
    case badKey(String)
    /// The address that the key has.
    case otherKey(Address)
    case noLength
    case tooLarge(limit: Int)

    var response: APIResponse {
        switch self {
        case .elsewhere(let path): .notFound(path)
        case .badAddress(let reason): .failure(400, reason)
        case .badJSON: .failure(400, "the body is not {\"private_key\": \"<base64>\"}")
        case .badKey(let reason): .failure(400, "the private key cannot be used: \(reason)")
        case .otherKey(let address):
            .failure(403, "the private key belongs to \(address), not to the address asked for")
        case .noLength: .failure(411, "the request has no Content-Length")
        case .tooLarge(let limit): .failure(413, "the request's body is larger than \(limit) bytes")
        }
    }
}

extension HTTPRequestHead {
    var isAboutNodes: Bool { uri.hasPrefix(NodeCall.root) }

    /// Nil when there is none; one that is no number, or negative, ends in the decoder.
    var contentLength: Int? { headers.first(name: "content-length").flatMap { Int($0) } }
}

extension ByteBuffer {
    /// Overwrites the bytes in view with zeros, in the memory itself: other buffers that share it lose them too, which
    /// is the point. For private keys that were read.
    func wipe() {
        withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            explicit_bzero(UnsafeMutableRawPointer(mutating: start), bytes.count)
        }
    }
}
