internal import API
internal import Foundation
internal import Glibc
internal import INET256
internal import Mesh
internal import Netlink
internal import Portal
internal import Settings
internal import System
internal import Wire

/// What a daemon is started with: all of it checked before anything on the box is touched.
struct DaemonSetup: Sendable {
    var configuration: Configuration
    /// The configuration's file, which a reload reads again.
    var file: String
    /// Which state of it this is.
    var version: FileVersion?
    /// The box's own key.
    var key: PrivateKey
    /// The box's key before this one, which it answers under as well; nil where it does not.
    var formerKey: PrivateKey?
    /// The keys of the further nodes, in the order of `configuration.nodes`.
    var nodeKeys: [PrivateKey]
    /// Those of them that were handed over, by their paths: the daemon has no right to read them again, and the next start has.
    var handedKeys: [String: PrivateKey] = [:]
    /// Which state of the key files it is, by their paths: of one that was handed over, nothing else says that it is another now.
    var keyVersions: [String: FileVersion] = [:]
    var log: LogOutput
    /// What outlives a run.
    var store = DescriptorStore()
    /// Take the prefix whatever it takes away (`up --force`).
    var force = false
    /// What the operator should know, such as a key file that is open to its group.
    var warnings: [String]
    /// Those of them that are about the configuration itself, which a reload replaces.
    var configurationWarnings: [String] = []

    /// Reads the configuration at `path` and every key that it names.
    /// - Parameter changed: what the file is about to say instead.
    /// - Parameter handed: keys to be taken where the file may not be read.
    static func load(
        _ path: String, changed: Configuration? = nil, handed: [String: PrivateKey] = [:]
    ) throws -> DaemonSetup {
        var keys = KeyReader(handed: handed)
        // Before it is read: what is written meanwhile is another version.
        let version = FileVersion(path)
        let configuration = try changed ?? Configuration.load(path)
        let main = try keys.read(configuration.privateKeyPath)
        var warnings = main.warnings
        var nodeKeys: [PrivateKey] = []
        var addresses = [main.key.address: configuration.privateKeyPath]
        for node in configuration.nodes {
            let file = try keys.read(node.privateKeyPath)
            if let other = addresses[file.key.address] {
                throw CommandFailure(.usage, "\(node.privateKeyPath) holds the same key as \(other)")
            }
            addresses[file.key.address] = node.privateKeyPath
            warnings += file.warnings
            nodeKeys.append(file.key)
        }
        let former = Self.former(configuration, &keys, &warnings)
        if let former, let other = addresses[former.address], former.address != main.key.address {
            throw CommandFailure(.usage, "former_key.path holds the same key as \(other)")
        }
        if let former { addresses[former.address] = configuration.formerKey?.path }
        let configurationWarnings = configuration.warnings(own: Set(addresses.keys))
        return DaemonSetup(
            configuration: configuration, file: path, version: version, key: main.key,
            formerKey: former?.address == main.key.address ? nil : former, nodeKeys: nodeKeys,
            handedKeys: keys.taken, keyVersions: keys.versions, log: LogOutput(configuration.log),
            warnings: warnings + configurationWarnings,
            configurationWarnings: configurationWarnings)
    }

    /// The former key, while its time is not over. One that cannot be read costs the former address, and not the box.
    private static func former(
        _ configuration: Configuration, _ keys: inout KeyReader, _ warnings: inout [String]
    ) -> PrivateKey? {
        guard let former = configuration.formerKey, former.until > Int64(Date().timeIntervalSince1970) else {
            return nil
        }
        do {
            let file = try keys.read(former.path)
            warnings += file.warnings
            return file.key
        } catch {
            warnings.append("former_key.path: \(error); this box is not there under its former address")
            return nil
        }
    }

    /// The box's addresses, and those of its further nodes.
    var ownAddresses: Set<Address> {
        Set([key.address] + (formerKey.map { [$0.address] } ?? []) + nodeKeys.map(\.address))
    }

    /// Refuses what a start would refuse of configuration and keys; touches nothing. What depends on the rest of the
    /// machine, such as a port that is in use, only the start itself can tell.
    /// - Returns: the firewall as it would be loaded; nil where there is none.
    /// - Parameter running: what a daemon has in force already, which need not be asked for again.
    @discardableResult
    func rehearse(beside running: Configuration? = nil) throws -> FirewallKeeper.Prepared? {
        if let fault = configuration.portal.prefixFault, !force { throw CommandFailure(.usage, fault) }
        if let design = try PortalDesign(configuration, address: key.address, former: formerKey?.address) {
            let isTaken = running?.portal.interface == configuration.portal.interface && running?.portal.enabled == true
            if !isTaken { try design.refuseOthersInterface() }
        }
        if !configuration.crypto.isPossibleAnywhere, configuration.crypto != running?.crypto {
            var box = BoxSettings(configuration.network.algorithm, startMilliseconds: 0)
            box.ciphers = configuration.crypto.ciphers.map(\.cipher)
            box.minimumSuite = UInt8(configuration.crypto.minSuite)
            box.backends = CipherSurvey(of: configuration.crypto.backends).choice
            guard box.hasCipher else { throw CommandFailure(.usage, DataPlanePlan.noCipher) }
        }
        return try FirewallKeeper.prepare(configuration)
    }

    /// Reads the file and its keys again for a reload and says what is different from `current`. Refused is what the next
    /// start would refuse. The caller applies the change; the log's level is a part of it: `log.level = ...`.
    func reread(after current: Configuration) throws -> (Configuration, ConfigurationChange) {
        var next = try Self.load(file, handed: handedKeys)
        next.force = force
        try next.rehearse(beside: current)
        var change = ConfigurationChange(from: current, to: next.configuration)
        if next.key.address != key.address { change.waits(for: "private_key_path") }
        if next.nodeKeys.map(\.address) != nodeKeys.map(\.address) { change.waits(for: "nodes") }
        let rewritten = Set(next.handedKeys.keys.filter { next.keyVersions[$0] != keyVersions[$0] })
        if rewritten.contains(next.configuration.privateKeyPath) { change.waits(for: "private_key_path") }
        if next.configuration.nodes.contains(where: { rewritten.contains($0.privateKeyPath) }) {
            change.waits(for: "nodes")
        }
        return (next.configuration, change)
    }
}

/// Reads key files, and does without those that may not be read a second time.
private struct KeyReader {
    /// By their paths.
    let handed: [String: PrivateKey]
    private(set) var taken: [String: PrivateKey] = [:]
    private(set) var versions: [String: FileVersion] = [:]

    init(handed: [String: PrivateKey]) { self.handed = handed }

    mutating func read(_ path: String) throws -> PrivateKeyFile {
        versions[path] = FileVersion(path)
        let isGone = versions[path] == nil && errno == ENOENT
        let file = try load(path)
        if file.isHanded {
            // It is still in our hands, and the next start has nothing to be handed.
            if isGone { throw KeyFileError.unreadable(FileError("read", path, code: ENOENT)) }
            taken[path] = file.key
        }
        return file
    }

    private func load(_ path: String) throws -> PrivateKeyFile {
        do {
            return try PrivateKeyFile.load(path)
        } catch {
            guard case .unreadable(let reason) = error, reason.code == EACCES, let key = handed[path] else {
                throw error
            }
            return PrivateKeyFile(key: key, warnings: [], isHanded: true)
        }
    }
}

extension CryptoConfiguration {
    /// Whether no survey of the machine is needed to know that there is a cipher: libsodium is linked and has this one
    /// everywhere. A survey takes the processor from the packets for some 20 milliseconds.
    fileprivate var isPossibleAnywhere: Bool {
        minSuite == 1 && ciphers.contains(.chaCha20Poly1305) && backends.contains(.libsodium)
    }
}

extension PortalDesign {
    /// Refuses an interface name that somebody else has on this machine. One in use by a daemon of ours is none of that.
    fileprivate func refuseOthersInterface() throws {
        guard let socket = try? NetlinkSocket() else { return }
        do throws(PortalError) {
            _ = try PortalPlumbing(plan, socket).refuseConflicts()
        } catch .foreignInterface(let name, let kind, let alias) {
            throw PortalError.foreignInterface(name: name, kind: kind, alias: alias)
        } catch {
            // Whose the prefix is and whether the device is busy is so now, and may be different when the daemon starts.
        }
    }
}
