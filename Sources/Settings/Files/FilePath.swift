internal import Glibc

/// Paths as the configuration writes them.
package enum FilePath {
    /// `path` itself when it is absolute, else its place under `directory`: a file's relative paths are
    /// relative to the file, wherever the program was started.
    package static func resolve(_ path: String, in directory: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        var rest = path[...]
        while rest.hasPrefix("./") { rest = rest.dropFirst(2).drop { $0 == "/" } }
        if directory.isEmpty || directory == "." { return String(rest) }
        return directory.hasSuffix("/") ? directory + rest : directory + "/" + rest
    }

    /// The directory part of `path`, "." when it has none.
    package static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// `path` from the root on, so that it still means the same when the working directory is another.
    package static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let current = getcwd(nil, 0) else { return path }
        defer { free(current) }
        return resolve(path, in: String(cString: current))
    }
}
