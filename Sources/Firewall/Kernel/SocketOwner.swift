internal import Glibc

/// Which process holds a netlink socket, as far as /proc shows it. For messages to people only.
enum SocketOwner {
    /// "nft (process 812)", or "the netlink socket 812" when no process is found.
    static func describe(port: UInt32) -> String {
        if let inode = inode(of: port), let process = process(holding: inode) {
            return "\(name(of: process)) (process \(process))"
        }
        // Files of other users' processes are not ours to see. But the kernel calls a process's first netlink socket by the process's
        // number where the program does not say otherwise.
        let name = name(of: "\(port)")
        return name.isEmpty ? "the netlink socket \(port)" : "\(name) (process \(port), as its socket's number says)"
    }

    private static func name(of process: String) -> String {
        String(read("/proc/\(process)/comm").prefix { $0 != "\n" })
    }

    /// Columns of /proc/net/netlink: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode.
    private static func inode(of port: UInt32) -> String? {
        let netfilter = "12"
        for line in read("/proc/thread-self/net/netlink").split(separator: "\n") {
            let columns = line.split(separator: " ")
            guard columns.count >= 10, columns[1] == netfilter, columns[2] == String(port) else { continue }
            return String(columns[9])
        }
        return nil
    }

    private static func process(holding inode: String) -> String? {
        let wanted = "socket:[\(inode)]"
        for process in entries("/proc") where process.allSatisfy(\.isNumber) {
            for descriptor in entries("/proc/\(process)/fd")
            where target("/proc/\(process)/fd/\(descriptor)") == wanted { return process }
        }
        return nil
    }

    private static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[0..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func entries(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { $0.terminated }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private static func target(_ path: String) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = buffer.withUnsafeMutableBytes { bytes -> Int in
            guard let base = bytes.baseAddress else { return 0 }
            return readlink(path, base.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        return count > 0 ? String(decoding: buffer[0..<count], as: UTF8.self) : ""
    }
}
