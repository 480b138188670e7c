internal import ArgumentParser
internal import Glibc
internal import INET256
internal import Settings

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write this box's configuration, or with its key a backup of the whole box.",
        discussion: """
            Without --with-key the configuration is written as it is. With it the file
            holds the configuration and every private key that it names, encrypted by a
            passphrase (Argon2id, then XChaCha20-Poly1305): whoever has both is this box.
            `import` makes it again on another machine, with the same address. The key on
            two machines at once is no second box: one of them wins.

            The passphrase is asked for on the terminal, twice, or is the first line of the
            file that --passphrase-file names ("-" for standard input).

            EXAMPLES
              sudo inet256vpn export --with-key --output box.backup
              inet256vpn export >config.yaml

            \(ExitStatus.help)
            """)

    @Flag(help: "The private keys too, encrypted by a passphrase.")
    var withKey = false
    @Option(
        help: ArgumentHelp(
            "Where to; nothing that is there is overwritten. Default: standard output.", valueName: "file"))
    var output: FileArgument?
    @OptionGroup var passphrase: PassphraseOptions
    @Option(
        name: .long,
        help: ArgumentHelp("The configuration file. Default: \(Configuration.standardPath).", valueName: "file"))
    var config: FileArgument?

    func run() throws {
        let path = config?.path ?? Configuration.standardPath
        guard withKey else { return try write(try FileContents.read(path, limit: 1 << 20).bytes) }
        if output == nil, isatty(STDOUT_FILENO) == 1 {
            throw CommandFailure(.usage, "a backup is no text for a terminal: name a file with --output")
        }
        var plain = try Backup(reading: path).encoded()
        defer { plain.wipe() }
        var words = try passphrase.read(isNew: true)
        defer { words.wipe() }
        let sealed: [UInt8]
        do throws(PassphraseBox.Fault) {
            sealed = try PassphraseBox.seal(plain, passphrase: words, random: SystemRandom())
        } catch { throw CommandFailure(.failure, "\(error)") }
        try write(sealed)
    }

    private func write(_ bytes: [UInt8]) throws {
        guard let output else { return bytes.withUnsafeBytes { Output.write($0) } }
        try bytes.withUnsafeBytes { try FileContents.create(output.path, mode: 0o600, bytes: $0) }
        Output.note("wrote \(output.path)")
    }
}

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make a box again from a backup.",
        discussion: """
            Writes the configuration and the keys of a backup that `export --with-key`
            made: this machine is then that box, with its address. Nothing that is there is
            overwritten; with --replace it is kept beside, with ".before-import" behind its
            name. What is in the backup is checked before anything is written.

            Then: sudo systemctl restart inet256vpn, and stop the box on the other machine.

            EXAMPLES
              sudo inet256vpn import box.backup

            \(ExitStatus.help)
            """)

    @Argument(help: "The backup.")
    var file: FileArgument
    @Flag(help: "Put aside what is there.")
    var replace = false
    @OptionGroup var passphrase: PassphraseOptions
    @Option(
        name: .long,
        help: ArgumentHelp("The configuration file. Default: \(Configuration.standardPath).", valueName: "file"))
    var config: FileArgument?

    private static let largest = 64 << 20

    func run() throws {
        let path = config?.path ?? Configuration.standardPath
        let sealed = try FileContents.read(file.path, limit: Self.largest).bytes
        var words = try passphrase.read(isNew: false)
        defer { words.wipe() }
        var plain: [UInt8]
        do throws(PassphraseBox.Fault) {
            plain = try PassphraseBox.open(sealed, passphrase: words)
        } catch { throw CommandFailure(error == .wrongPassphrase ? .failure : .usage, "\(error)") }
        defer { plain.wipe() }
        let backup = try Backup(decoding: plain)
        // As a whole, before any of it: the file is a configuration, and each key a key.
        _ = try Configuration.parse(String(decoding: backup.files[0].contents, as: UTF8.self), file: path)
        for key in backup.files.dropFirst() {
            do {
                _ = try [UInt8](key.contents).withUnsafeBytes { try PrivateKey.parse(file: $0) }
            } catch { throw CommandFailure(.failure, "\(key.path) in the backup is no private key: \(error)") }
        }
        let places = backup.files.map { Backup.place(of: $0, path) }
        let there = places.filter { access($0, F_OK) == 0 }
        guard there.isEmpty || replace else {
            throw CommandFailure(
                .failure, "\(there.joined(separator: ", ")) is there already: --replace puts it aside")
        }
        mkdir(FilePath.directory(of: FilePath.absolute(path)), 0o755)
        for place in there {
            let aside = place + ".before-import"
            guard rename(place, aside) == 0 else { throw FileError("put aside", place) }
            Output.note("\(place) is \(aside) now")
        }
        // The keys first: a configuration without its key would make a start fail, and a key alone does nothing.
        for (file, place) in zip(backup.files, places).reversed() {
            try [UInt8](file.contents).withUnsafeBytes { bytes in
                try FileContents.create(place, mode: file.path == "config.yaml" ? 0o640 : 0o600, bytes: bytes)
            }
            own(place, isKey: file.path != "config.yaml")
            Output.note("wrote \(place)")
        }
        printLines(["this machine is \(try DaemonSetup.load(path).key.address) from the next start of the daemon"])
    }

    /// As `init` has it: root's, and the configuration is the service's to read.
    private func own(_ place: String, isKey: Bool) {
        guard geteuid() == 0, !isKey, let service = FileTrust.daemonEntry else { return }
        chown(place, 0, service.group)
    }
}
