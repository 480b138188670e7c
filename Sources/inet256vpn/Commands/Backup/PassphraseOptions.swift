internal import ArgumentParser
internal import Glibc
internal import Settings

/// Where a passphrase comes from; never from the command line, which all see.
struct PassphraseOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The file whose first line is the passphrase, \"-\" for standard input.", valueName: "file"))
    var passphraseFile: FileArgument?

    /// In bytes: long enough for a sentence.
    private static let least = 8
    private static let most = 1024

    /// In UTF-8, to be wiped by the caller.
    /// - Parameter isNew: it is asked for twice, and must not be short.
    func read(isNew: Bool) throws -> [UInt8] {
        var words = try passphraseFile.map { try Self.firstLine($0.path) } ?? Self.asked("Passphrase: ")
        if isNew, passphraseFile == nil {
            var again = try Self.asked("Once more: ")
            defer { again.wipe() }
            guard again == words else {
                words.wipe()
                throw CommandFailure(.usage, "the two are not the same")
            }
        }
        guard !isNew || words.count >= Self.least else {
            words.wipe()
            throw CommandFailure(
                .usage, "a passphrase has at least \(Self.least) bytes: four words that nobody guesses are good")
        }
        return words
    }

    private static func firstLine(_ path: String) throws -> [UInt8] {
        var contents =
            path == "-"
            ? try FileContents.read("standard input", opened: dup(STDIN_FILENO), limit: most)
            : try FileContents.read(path, limit: most)
        defer { contents.bytes.wipe() }
        return Array(contents.bytes.prefix { $0 != 10 && $0 != 13 })
    }

    /// On the terminal, whatever the standard streams are, and without showing it.
    private static func asked(_ prompt: String) throws -> [UInt8] {
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else {
            throw CommandFailure(.usage, "there is no terminal to ask on: name a file with --passphrase-file")
        }
        defer { close(terminal) }
        var before = termios()
        tcgetattr(terminal, &before)
        var quiet = before
        quiet.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(terminal, TCSAFLUSH, &quiet)
        defer { tcsetattr(terminal, TCSAFLUSH, &before) }
        _ = Array(prompt.utf8).withUnsafeBytes { write(terminal, $0.baseAddress, $0.count) }
        var words: [UInt8] = []
        words.reserveCapacity(most)
        var byte: UInt8 = 0
        while words.count < most, Glibc.read(terminal, &byte, 1) == 1, byte != 10, byte != 13 { words.append(byte) }
        _ = Glibc.write(terminal, "\n", 1)
        return words
    }
}
