import API
import AdminProtocol
import ArgumentParser
import Foundation
import INET256
import Settings
import TestSupport
import Testing
import Wire

@testable import inet256vpn

@Suite struct CommandLineTests {
    private func parse<Command: ParsableCommand>(_ arguments: String...) throws -> Command {
        let command = try RootCommand.parseAsRoot(DashedAddress.protect(arguments))
        return try #require(command as? Command)
    }

    /// A terminal of 80 columns shows the help of each command as it was written: no line is broken anew. Examples may be longer.
    @Test func helpFitsATerminal() {
        var commands: [any ParsableCommand.Type] = [RootCommand.self]
        var count = 0
        while let command = commands.popLast() {
            let configuration = command.configuration
            commands += configuration.subcommands
            count += 1
            for line in configuration.discussion.split(separator: "\n") where !line.hasPrefix("  ") {
                #expect(line.count <= 79, "\(command): \(line)")
            }
        }
        #expect(count > 50)
    }

    @Test(arguments: [Sample.plain, Sample.dashed, Sample.doubleDashed])
    func addressesAreTakenAsTheyAre(_ text: String) throws {
        let address = try Sample.address(text)
        let ip6: IP6AddrCommand = try parse("ip6-addr", text)
        #expect(ip6.address == TargetArgument.address(address))
        let behind: IP6AddrCommand = try parse("ip6-addr", "--prefix", "0200::/7", text)
        #expect(behind.address == TargetArgument.address(address))
        #expect(behind.prefix.map.prefix.length == 7)
        let before: IP6AddrCommand = try parse("ip6-addr", text, "--prefix", "0200::/7")
        #expect(before.address == TargetArgument.address(address))
        let terminated: IP6AddrCommand = try parse("ip6-addr", "--", text)
        #expect(terminated.address == TargetArgument.address(address))
        let ping: PingCommand = try parse("ping", "-c", "3", text, "-i", "0.5")
        #expect(ping.target == .address(address))
        #expect(ping.count == 3)
        // A file may be called so, too.
        let check: CheckCommand = try parse("check", text)
        #expect(check.file.path == text)
        let addr: AddrCommand = try parse("addr", "--private-key", text)
        #expect(addr.privateKey.path == text)
        let status: StatusCommand = try parse("status", "--config", text)
        #expect(status.daemon.config?.path == text)
    }

    @Test func benchMeasuresMessagesUnlessToldOtherwise() throws {
        let plain: BenchCommand = try parse("bench", "--sizes", "7")
        #expect(plain.sizes == "7")
        let messages: BenchCommand = try parse("bench", "messages", "--seconds", "2")
        #expect(messages.seconds == 2)
        let cipher: CipherBenchCommand = try parse("bench", "cipher", "--json", "--milliseconds", "5")
        #expect(cipher.json && cipher.milliseconds == 5)
        #expect(throws: (any Error).self) {
            let _: CipherBenchCommand = try parse("bench", "cipher", "--milliseconds", "0")
        }
    }

    @Test func aDashedAddressWithASlipIsNamedAsIs() {
        let slip = Sample.dashed.dropLast() + "K"
        #expect {
            _ = try RootCommand.parseAsRoot(DashedAddress.protect(["ip6-addr", String(slip)]))
        } throws: { error in
            let text = DashedAddress.unprotect(RootCommand.fullMessage(for: error))
            return text.contains("'\(slip)' is invalid") && !text.contains("address:-")
        }
    }

    @Test func optionsStayOptions() {
        #expect(
            DashedAddress.protect(["--private-key", "-c", "-x=1", "--leading-zeros"]).allSatisfy { $0.hasPrefix("-") })
        let option = "--" + String(repeating: "a", count: 39) + "=x"
        #expect(DashedAddress.protect([option]) == [option])
    }

    @Test func namesAndOptions() throws {
        let ping: PingCommand = try parse("ping", "office", "-s", "8000", "-W", "0.25", "--json")
        #expect(ping.target == .name("office"))
        #expect(ping.size == 8000)
        #expect(ping.wait == 0.25)
        #expect(ping.json)
        let daemon: UpCommand = try parse("daemon", "--config", "a.yaml")
        #expect(daemon.config?.path == "a.yaml")
        let keygen: KeygenCommand = try parse("keygen", "--leading-zeros", "8", "--text", "--output", "k")
        #expect(keygen.leadingZeros == 8 && keygen.text && keygen.output?.path == "k")
    }

    @Test(arguments: [
        ["nonsense"], ["addr"], ["ip6-addr"], ["ip6-addr", Sample.plain, "--private-key", "k"], ["ip6-addr", "sh ort"],
        ["ip6-addr", Sample.plain, "--prefix", "fd00::/65"], ["keygen", "--leading-zeros", "128"], ["ping"],
        ["ping", "a b"], ["ping", "x", "-c", "0"], ["ping", "x", "-s", "65001"], ["ping", "x", "-i", "0"],
        ["ping", "x", "-W", "61"], ["check"], ["check", "/nonexistent/c.yaml"],
        ["status", "--config", "/nonexistent/c.yaml"],
        ["addr", "--private-key", "/nonexistent/key"], ["up", "--config", "/nonexistent/c.yaml"],
    ])
    func wrongUsageEndsWithTwo(_ arguments: [String]) async {
        #expect(await Program.run(arguments) == .usage)
    }

    @Test(arguments: [
        ["--help"], ["ping", "--help"], ["--version"], ["version"], ["list-networks", "--json"], ["create-config"],
    ])
    func whatAlwaysWorks(_ arguments: [String]) async {
        #expect(await Program.run(arguments) == .success)
    }

    @Test func everyCommandExplainsItself() {
        for command in RootCommand.configuration.subcommands {
            #expect(!command.configuration.abstract.isEmpty)
            let help = command.helpMessage()
            #expect(command == VersionCommand.self || help.contains("EXIT STATUS"), "\(command)")
        }
    }

    @Test func keysGoToFilesAndBack() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("key")
        #expect(await Program.run(["keygen", "--leading-zeros", "3", "--output", path]) == .success)
        #expect(await Program.run(["keygen", "--output", path]) == .failure)
        #expect(await Program.run(["addr", "--private-key", path]) == .success)
        #expect(await Program.run(["ip6-addr", "--private-key", path, "--prefix", "0200::/7"]) == .success)
        #expect(try PrivateKeyFile.load(path).key.address.leadingZeroBits >= 3)
        let config = try directory.write("c.yaml", "private_key_path: ./key\n")
        #expect(await Program.run(["check", config]) == .success)
        #expect(await Program.run(["check", "--json", config]) == .success)
        try directory.write("c.yaml", "private_key_path: ./key\nportl: {}\n")
        #expect(await Program.run(["check", config]) == .usage)
    }

    @Test func theDaemonIsFoundInOrder() throws {
        let directory = try TemporaryDirectory()
        let config = try directory.write("c.yaml", "api_endpoint: unix://./a.sock\n")
        let environment = [DaemonAccess.environmentKey: "tcp://[::1]:99"]
        let named: StatusCommand = try parse("status", "--config", config)
        #expect(try named.daemon.endpoint(environment: environment) == .unix(path: directory.file("a.sock")))
        let plain: StatusCommand = try parse("status")
        #expect(try plain.daemon.endpoint(environment: environment).description == "tcp://[::1]:99")
        #expect(try plain.daemon.endpoint(environment: [:]) == .standard)
        #expect(throws: CommandFailure.self) {
            try plain.daemon.endpoint(environment: [DaemonAccess.environmentKey: "ftp://x"])
        }
    }

    @Test func commandsAskTheDaemon() async throws {
        let directory = try TemporaryDirectory()
        let config = try directory.write("c.yaml", "api_endpoint: unix://./a.sock\n")
        #expect(await Program.run(["status", "--config", config]) == .unreachable)
        let service = try await APIService.open(
            try Configuration.load(config), control: FakeDaemon(), logger: silent)
        let running = Task { await service.server.run() }
        #expect(await Program.run(["status", "--config", config]) == .success)
        #expect(await Program.run(["status", "--json", "--config", config]) == .success)
        #expect(await Program.run(["peers", "--config", config]) == .success)
        #expect(await Program.run(["reload", "--config", config]) == .success)
        #expect(await Program.run(["ping", "-c", "2", "-i", "0.01", "office", "--config", config]) == .success)
        #expect(await Program.run(["ping", "-c", "1", Sample.dashed, "--json", "--config", config]) == .success)
        #expect(await Program.run(["ping", "-c", "1", "ofice", "--config", config]) == .usage)
        running.cancel()
        await running.value
        #expect(await Program.run(["ping", "-c", "1", "office", "--config", config]) == .unreachable)
    }

    @Test func unansweredPingsEndWithOne() async throws {
        let directory = try TemporaryDirectory()
        let config = try directory.write("c.yaml", "api_endpoint: unix://./a.sock\n")
        let service = try await APIService.open(
            try Configuration.load(config),
            control: FakeDaemon(outcome: .timedOut, reloaded: .failure(CommandFailure(.usage, "c.yaml:1:1: no"))),
            logger: silent)
        let running = Task { await service.server.run() }
        #expect(await Program.run(["ping", "-c", "2", "-i", "0.01", "office", "--config", config]) == .failure)
        #expect(await Program.run(["reload", "--config", config]) == .usage)
        running.cancel()
        await running.value
    }

    /// The listener for metrics answers questions and nothing else.
    @Test func theListenerOnLoopbackOnlyAnswers() async throws {
        let configuration = try Configuration.parse("api: {listen: \"tcp://127.0.0.1:0\"}", file: "/c.yaml")
        let service = try #require(
            try await APIService.openListener(configuration, control: FakeDaemon(), logger: silent))
        let running = Task { await service.server.run() }
        let client = APIClient(endpoint: service.server.endpoint)
        #expect(try await client.send("GET", "/metrics").status == 200)
        #expect(try await client.send("GET", "/healthz").status == 200)
        #expect(try await client.status().version == "9.9")
        #expect(try await client.send("POST", "/admin/reload").status == 403)
        #expect(try await client.send("DELETE", "/nodes/x").status != 200)
        running.cancel()
        await running.value
        #expect(
            try await APIService.openListener(Configuration(directory: "/"), control: FakeDaemon(), logger: silent)?
                .description == nil)
    }
}
