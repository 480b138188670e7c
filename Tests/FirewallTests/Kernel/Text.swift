import Glibc

/// A text file, or nil when there is none.
func read(file path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&chunk, 1, chunk.count, file)
        guard count > 0 else { break }
        bytes += chunk[0..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// False when it cannot be written.
func write(_ text: String, file path: String) -> Bool {
    guard let file = fopen(path, "w") else { return false }
    defer { fclose(file) }
    return fputs(text, file) >= 0
}

/// A file beside the tests, in the folder of what was recorded. With INET256_RECORD=1 in the environment it is written
/// anew from `actual` first, so that a change of encoding shows as a difference of the file.
func recorded(_ name: String, _ actual: String, from source: String = #filePath) -> String {
    let tests = source.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
    let path = "\(tests)/Recorded/\(name)"
    if getenv("INET256_RECORD").map({ String(cString: $0) }) == "1", !write(actual, file: path) {
        return "cannot write \(path)"
    }
    return read(file: path) ?? "nothing is recorded as \(path)"
}
