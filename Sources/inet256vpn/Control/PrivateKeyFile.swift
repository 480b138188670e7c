internal import Glibc
internal import INET256
internal import Settings

/// A private key as it was found in a file.
struct PrivateKeyFile {
    let key: PrivateKey
    /// What should be mended about the file, worded for people.
    let warnings: [String]
    /// Who started the daemon has opened or copied it, and the file itself may not be read.
    var isHanded = false

    /// Bytes of a file that are taken for a key; the text form with line breaks stays far below.
    static let largestFile = 4096
    /// Permission bits of the files that are made here.
    static let mode: UInt32 = 0o600

    /// Reads the key at `path`, in binary or text form. A file that others may read, write or exchange is refused, since
    /// the key in it may be known or put there by them; `tolerant` makes that a warning, for commands that
    /// only look.
    static func load(_ path: String, tolerant: Bool = false) throws(KeyFileError) -> PrivateKeyFile {
        var contents: FileContents
        let handed = HandedKeys.take(path)
        let credential = HandedKeys.credential(path)
        do throws(FileError) {
            contents = try FileContents.read(credential ?? path, opened: handed, limit: largestFile)
        } catch {
            throw .unreadable(error)
        }
        defer { contents.bytes.wipe() }
        let key: PrivateKey
        do throws(KeyError) {
            key = try contents.bytes.withRawBytes { (bytes) throws(KeyError) in try PrivateKey.parse(file: bytes) }
        } catch {
            throw .notAKey(path: path, error)
        }
        var warnings: [String] = []
        if contents.mode & 0o007 != 0 {
            guard tolerant else { throw .exposed(path: path, mode: contents.mode) }
            warnings.append("\(KeyFileError.exposed(path: path, mode: contents.mode))")
        } else if contents.mode & 0o070 != 0 {
            warnings.append("\(path) is open to its group (mode \(octal(contents.mode))): chmod 600 \(path)")
        }
        if let trust = FileTrust.examine(path, contents), !trust.isAboutMode {
            guard tolerant else { throw .doubtful(trust) }
            warnings.append("\(trust)")
        }
        return PrivateKeyFile(key: key, warnings: warnings, isHanded: handed != nil || credential != nil)
    }

    /// Writes `key` to a new file of mode 0600, never in the place of another: a lost key is an address lost for good.
    static func create(_ path: String, key: PrivateKey, asText: Bool) throws(KeyFileError) {
        do throws(FileError) {
            try contents(of: key, asText: asText).withBytes { (bytes) throws(FileError) in
                try FileContents.create(path, mode: mode, bytes: bytes)
            }
        } catch {
            if error.code == EEXIST { throw .exists(path) }
            throw .unwritable(error)
        }
    }

    /// The bytes of a key file: the binary form, or a line of base64.
    static func contents(of key: PrivateKey, asText: Bool) -> SecretBytes {
        guard asText else { return key.serialized() }
        let text = key.text()
        let line = SecretBytes(count: text.count + 1)
        line.withMutableBytes { line in
            text.withBytes { line.copyMemory(from: $0) }
            line[text.count] = UInt8(ascii: "\n")
        }
        return line
    }
}

/// Why a key file could not be used.
enum KeyFileError: Error, Equatable, CustomStringConvertible {
    case unreadable(FileError)
    case unwritable(FileError)
    case exists(String)
    case notAKey(path: String, KeyError)
    /// Others than the owner and the group may read or write it.
    case exposed(path: String, mode: UInt32)
    /// Its owner is somebody else, or others may exchange it.
    case doubtful(FileTrust)

    var description: String {
        switch self {
        case .unreadable(let error):
            switch error.code {
            case ENOENT: "\(error): make a key with: inet256vpn keygen --output \(error.path)"
            case EACCES where geteuid() == FileTrust.daemonEntry?.user:
                "\(error): it is not the service's to read: sudo chown \(FileTrust.daemonUser): \(error.path)"
            case EACCES: "\(error): run as the user that owns it, or with sudo"
            case EFBIG: "\(error.path) is no private key: it is larger than any key file"
            default: "\(error)"
            }
        case .unwritable(let error): "\(error)"
        case .exists(let path):
            "\(path) exists and is not overwritten, as a lost key is a lost address: choose another name, or move it away"
        case .notAKey(let path, let reason):
            "\(path) is no private key: \(reason). Restore it from a backup, or make another, with another address: "
                + "inet256vpn keygen --output NEW_FILE"
        case .exposed(let path, let mode):
            "\(path) is open to every user of this machine (mode \(octal(mode))): chmod 600 \(path)"
        case .doubtful(let trust): "\(trust)"
        }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` with its error's type kept.
    func withRawBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let result = withUnsafeBytes { bytes -> Result<R, E> in
            do throws(E) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
