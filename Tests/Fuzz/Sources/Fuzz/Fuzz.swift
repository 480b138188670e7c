import Glibc
import Wire

/// What libFuzzer calls with each input it makes. Which decoder gets it, the environment's `FUZZ_TARGET` says.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // A copy of the exact length on the heap; with `scripts/fuzz --address` a read past its end is seen.
    let input = [UInt8](UnsafeBufferPointer(start: bytes, count: count))
    target.run(input)
    return 0
}

/// libFuzzer is single-threaded; the target lives as long as the process.
nonisolated(unsafe) private var target: any FuzzTarget = chosen()

private func chosen() -> any FuzzTarget {
    if let folder = getenv("FUZZ_SEEDS") {
        Seeds.write(to: String(cString: folder))
        _exit(0)
    }
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTargets.all[name] else {
        print("FUZZ_TARGET=\"\(name)\" is none of \(FuzzTargets.all.keys.sorted().joined(separator: ", "))")
        exit(2)
    }
    return target.init()
}

/// Stops the fuzzer: what was found is kept as an input that shows it.
func demand(_ condition: Bool, _ what: @autoclosure () -> String) {
    guard !condition else { return }
    print("DEMAND FAILED: \(what())")
    fflush(nil)
    abort()
}
