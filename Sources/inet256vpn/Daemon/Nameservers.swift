internal import Glibc
internal import Settings
internal import Wire

/// A server that this machine asks for names, and the file that says so.
struct Nameserver: Hashable, Sendable {
    let address: IPv6Address
    let file: String
}

/// The IPv6 nameservers of resolv.conf(5), those that systemd-resolved asks on behalf of its stub included.
enum Nameservers {
    static let files = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"]
    /// In bytes: what is longer is no resolv.conf.
    private static let sizeLimit = 64 << 10
    /// Of one file; the C library itself asks three (MAXNS of resolv.h).
    private static let countLimit = 16

    /// Each address once; a file that is not there has none.
    static func read(_ files: [String] = files) -> [Nameserver] {
        var found: [Nameserver] = []
        for file in files {
            guard let bytes = try? FileContents.read(file, limit: sizeLimit).bytes else { continue }
            for address in parse(String(decoding: bytes, as: UTF8.self)).prefix(countLimit)
            where !found.contains(where: { $0.address == address }) {
                found.append(Nameserver(address: address, file: file))
            }
        }
        return found
    }

    /// The addresses that are IPv6 and no link-local ones, which are never anybody's but the link's.
    static func parse(_ text: String) -> [IPv6Address] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 2, words[0] == "nameserver", let address = IPv6Address(String(words[1])),
                address.mappedIPv4 == nil, !address.isLinkLocal, !address.isLoopback
            else { return nil }
            return address
        }
    }

    /// Changes when one of the files does: when they were written, and how long they are.
    static func signature(_ files: [String] = files) -> [Int] {
        files.flatMap { file -> [Int] in
            var info = stat()
            guard stat(file, &info) == 0 else { return [-1] }
            return [
                Int(info.st_mtim.tv_sec), Int(info.st_mtim.tv_nsec), Int(info.st_size),
                Int(truncatingIfNeeded: info.st_ino),
            ]
        }
    }
}
