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

/// One decoder, with the state that it needs.
protocol FuzzTarget {
    init()
    /// Takes one input. Whatever it is, this returns.
    mutating func run(_ input: [UInt8])
}

/// libFuzzer is single-threaded; the target lives as long as the process.
nonisolated(unsafe) private var target: any FuzzTarget = chosen()

private func chosen() -> any FuzzTarget {
    if let folder = getenv("FUZZ_SEEDS") {
        Seeds.write(to: String(cString: folder))
        _exit(0)
    }
    switch getenv("FUZZ_TARGET").map({ String(cString: $0) }) ?? "" {
    case "datagram": return DatagramTarget()
    case "frame": return FrameTarget()
    case "reassembler": return ReassemblerTarget()
    case "beacon": return BeaconTarget()
    case "text": return TextTarget()
    case "packet": return PacketTarget()
    case let name:
        print("FUZZ_TARGET=\"\(name)\" is none of datagram, frame, reassembler, beacon, text, packet")
        exit(2)
    }
}

/// Stops the fuzzer: what was found is kept as an input that shows it.
func demand(_ condition: Bool, _ what: @autoclosure () -> String) {
    guard !condition else { return }
    print("DEMAND FAILED: \(what())")
    abort()
}

/// The same bytes in every process, so that an input shows the same thing each time.
final class FixedRandom: RandomSource {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        for place in buffer.indices {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
            buffer[place] = UInt8(truncatingIfNeeded: mixed ^ mixed >> 31)
        }
    }
}
