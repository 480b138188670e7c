internal import Glibc

/// Raw nft text in the table's chain for it: the one thing for which libnftables is used, and only where it is installed. It is loaded by
/// name when it is needed, so that the program runs without it.
package struct NftText: ~Copyable {
    private let library: UnsafeMutableRawPointer
    private let context: OpaquePointer
    private let calls: Calls

    /// Debian's `libnftables1`, which comes with `nftables`.
    private static let libraryName = "libnftables.so.1"

    private struct Calls {
        typealias New = @convention(c) (UInt32) -> OpaquePointer?
        typealias Free = @convention(c) (OpaquePointer) -> Void
        typealias Buffer = @convention(c) (OpaquePointer) -> Int32
        typealias Text = @convention(c) (OpaquePointer) -> UnsafePointer<CChar>?
        typealias DryRun = @convention(c) (OpaquePointer, Bool) -> Void
        typealias Run = @convention(c) (OpaquePointer, UnsafePointer<CChar>) -> Int32

        let new: New
        let free: Free
        let bufferOutput: Buffer
        let bufferError: Buffer
        let errorText: Text
        let dryRun: DryRun
        let run: Run
    }

    /// - Throws: when libnftables is not installed.
    package init() throws(NftTextError) {
        guard let library = dlopen(Self.libraryName, RTLD_NOW | RTLD_LOCAL) else { throw .missing }
        func symbol<T>(_ name: String, as: T.Type) -> T? { dlsym(library, name).map { unsafeBitCast($0, to: T.self) } }
        guard let new = symbol("nft_ctx_new", as: Calls.New.self),
            let free = symbol("nft_ctx_free", as: Calls.Free.self),
            let bufferOutput = symbol("nft_ctx_buffer_output", as: Calls.Buffer.self),
            let bufferError = symbol("nft_ctx_buffer_error", as: Calls.Buffer.self),
            let errorText = symbol("nft_ctx_get_error_buffer", as: Calls.Text.self),
            let dryRun = symbol("nft_ctx_set_dry_run", as: Calls.DryRun.self),
            let run = symbol("nft_run_cmd_from_buffer", as: Calls.Run.self),
            // NFT_CTX_DEFAULT.
            let context = new(0)
        else {
            dlclose(library)
            throw .missing
        }
        self.library = library
        self.context = context
        calls = Calls(
            new: new, free: free, bufferOutput: bufferOutput, bufferError: bufferError, errorText: errorText,
            dryRun: dryRun, run: run)
        // Without these it writes to our standard output and error.
        _ = bufferOutput(context)
        _ = bufferError(context)
    }

    deinit {
        calls.free(context)
        dlclose(library)
    }

    /// Asks the kernel and libnftables whether `text` could be the chain's rules. Changes nothing.
    package func check(_ text: String) throws(NftTextError) {
        try Self.checkBraces(text)
        calls.dryRun(context, true)
        defer { calls.dryRun(context, false) }
        let table = Ruleset.standardTable + "_check"
        // The text begins on the first line, so that libnftables counts lines as the file does.
        try run("table inet \(table) { chain \(PolicyCompiler.includeChain) { \(text)\n }\n}\n")
    }

    /// Makes `text` the rules of the chain, in place of what is there.
    package func load(_ text: String, table: String) throws(NftTextError) {
        try Self.checkBraces(text)
        let chain = PolicyCompiler.includeChain
        try run("flush chain inet \(table) \(chain)\ntable inet \(table) {\n chain \(chain) {\n\(text)\n }\n}\n")
    }

    private func run(_ command: String) throws(NftTextError) {
        guard calls.run(context, command) != 0 else { return }
        let text = calls.errorText(context).map { String(cString: $0) } ?? ""
        throw .refused(text.split(separator: "\n").joined(separator: "; "))
    }

    /// The text is the body of a chain: it may not end that chain and go on elsewhere.
    static func checkBraces(_ text: String) throws(NftTextError) {
        var depth = 0
        var number = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            var isQuoted = false
            scan: for character in line {
                switch character {
                case "\"": isQuoted.toggle()
                case "#" where !isQuoted: break scan
                case "{" where !isQuoted: depth += 1
                case "}" where !isQuoted: depth -= 1
                default: break
                }
                if depth < 0 { throw .unbalanced(line: number) }
            }
            if isQuoted { throw .unbalanced(line: number) }
            if line.drop(while: \.isWhitespace).hasPrefix("include") { throw .nested(line: number) }
        }
        if depth != 0 { throw .unbalanced(line: number) }
    }
}

/// Why raw nft text was not taken.
package enum NftTextError: Error, Hashable, Sendable, CustomStringConvertible {
    case missing
    /// In libnftables' words.
    case refused(String)
    /// Braces or quotation marks that do not close on their own line.
    case unbalanced(line: Int)
    /// nft's own `include`.
    case nested(line: Int)

    package var description: String {
        switch self {
        case .missing:
            "firewall.include needs libnftables, which is not installed: apt-get install nftables, or remove `include`"
        case .refused(let words): "nft: \(words)"
        case .unbalanced(let line):
            "line \(line): a brace or quotation mark that has no partner: "
                + "the text is a list of rules, one in each line, without the table and the chain around them"
        case .nested(let line): "line \(line): nft's include is not possible here: name the file in firewall.include"
        }
    }
}
