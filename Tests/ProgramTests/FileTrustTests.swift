import Foundation
import INET256
import Settings
import TestSupport
import Testing
import Wire

@testable import inet256vpn

/// Files that others can change, whatever their own mode says.
@Suite struct FileTrustTests {
    private static let isRoot = geteuid() == 0
    /// Somebody who runs nothing here.
    private static let stranger: uid_t = 61_234

    /// A folder with a key, a configuration of that key, and a file to include.
    private struct Place {
        let directory: TemporaryDirectory
        let key: String
        let configuration: String
        let included: String

        init() throws {
            directory = try TemporaryDirectory()
            try FileManager.default.createDirectory(
                atPath: directory.file("etc"), withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o755])
            let made = PrivateKey(generatedFrom: SystemRandom())
            let bytes = PrivateKeyFile.contents(of: made, asText: false).withBytes { [UInt8]($0) }
            key = try directory.write("etc/key", bytes)
            included = try directory.write("etc/more.nft", "# nothing\n")
            configuration = try directory.write(
                "etc/c.yaml", "private_key_path: ./key\nfirewall: {include: [./more.nft]}\n", mode: 0o644)
        }

        func own(_ path: String, by user: uid_t) { #expect(chown(path, user, gid_t.max) == 0) }

        /// Opens or closes the folder to everybody.
        func open(_ mode: mode_t) { #expect(chmod(directory.file("etc"), mode) == 0) }
    }

    @Test func whatIsOursIsTrusted() throws {
        let place = try Place()
        let setup = try DaemonSetup.load(place.configuration)
        #expect(!setup.warnings.contains { $0.contains(place.directory.path) }, "\(setup.warnings)")
        #expect(try IncludedText.read([place.included]).files == [place.included])
    }

    @Test(.enabled(if: isRoot, "giving files away takes root"))
    func aKeyOfAnotherUserIsRefused() throws {
        let place = try Place()
        place.own(place.key, by: Self.stranger)
        let expected = KeyFileError.doubtful(FileTrust(path: place.key, doubt: .foreign(Self.stranger)))
        #expect(throws: expected) { try PrivateKeyFile.load(place.key) }
        #expect("\(expected)".contains("belongs to 61234") && "\(expected)".contains("chown "))
        #expect(expected.exitStatus == .usage)
        #expect(try PrivateKeyFile.load(place.key, tolerant: true).warnings.first?.contains("chown") == true)
        // Through a link of ours too, and for further nodes.
        let link = place.directory.file("link")
        #expect(symlink(place.key, link) == 0)
        #expect { try PrivateKeyFile.load(link) } throws: { "\($0)".contains("belongs to 61234") }
        let own = PrivateKeyFile.contents(of: PrivateKey(generatedFrom: SystemRandom()), asText: false)
        try place.directory.write("etc/own", own.withBytes { [UInt8]($0) })
        try place.directory.write(
            "etc/c.yaml", "private_key_path: ./own\nnodes: [{private_key_path: ./key}]\n", mode: 0o644)
        #expect { try DaemonSetup.load(place.configuration) } throws: { "\($0)".contains("belongs to 61234") }
    }

    @Test(.enabled(if: isRoot, "giving files away takes root"))
    func otherFilesOfAnotherUser() throws {
        let place = try Place()
        place.own(place.configuration, by: Self.stranger)
        let setup = try DaemonSetup.load(place.configuration)
        #expect(setup.configurationWarnings.contains { $0.contains("c.yaml belongs to 61234") })
        // What is included becomes rules with the daemon's privilege.
        place.own(place.included, by: Self.stranger)
        #expect { try IncludedText.read([place.included]) } throws: { "\($0)".contains("more.nft belongs to 61234") }
    }

    @Test func filesInOpenFoldersAreRefused() throws {
        let place = try Place()
        for (mode, isRefused) in [(0o777, true), (0o757, true), (0o1777, false), (0o775, false)] as [(mode_t, Bool)] {
            place.open(mode)
            for load in [
                { _ = try PrivateKeyFile.load(place.key) }, { _ = try Configuration.load(place.configuration) },
                { _ = try IncludedText.read([place.included]) },
            ] {
                if isRefused {
                    #expect { try load() } throws: { "\($0)".contains("chmod o-w \(place.directory.file("etc"))") }
                } else {
                    try load()
                }
            }
        }
        // One further up, and one that only a link leads through.
        place.open(0o777)
        let link = place.directory.file("link")
        #expect(symlink(place.key, link) == 0)
        #expect { try PrivateKeyFile.load(link) } throws: { "\($0)".contains(place.directory.file("etc")) }
        #expect(try PrivateKeyFile.load(link, tolerant: true).warnings.count == 1)
        place.open(0o755)
        #expect(chmod(place.directory.path, 0o777) == 0)
        #expect { try PrivateKeyFile.load(place.key) } throws: { "\($0)".contains("chmod o-w \(place.directory.path)") }
    }

    @Test func filesThatEverybodyMayWriteAreRefused() throws {
        let place = try Place()
        for path in [place.configuration, place.included] { #expect(chmod(path, 0o646) == 0) }
        #expect { try Configuration.load(place.configuration) } throws: { error in
            "\(error)".contains("chmod o-w \(place.configuration)")
                && (error as? ConfigurationError)?.exitStatus == .usage
        }
        #expect { try IncludedText.read([place.included]) } throws: { "\($0)".contains("chmod o-w") }
    }
}
