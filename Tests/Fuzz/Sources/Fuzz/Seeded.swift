import FuzzDriver
import Glibc

/// Runs of the stateful fuzzer by seed, each in a process of its own, so that a trap ends a run and not the search:
///
///     FUZZ_SEED=N [FUZZ_SECONDS=S | FUZZ_RUNS=R] [FUZZ_OUT=PREFIX] Fuzz     seeds N, N+1, ...
///     FUZZ_SHORTEN=FILE [FUZZ_OUT=PREFIX] Fuzz                              a list of steps that fails
///
/// With FUZZ_TRACE each datagram of what fails is shown.
///
/// What fails is shortened and written to `PREFIX` and its seed; the same file is an input of the target `session`.
@_cdecl("Fuzz_run_seeds")
public func runSeeds() -> CInt {
    // Made once, and not by every process anew.
    _ = SessionWorld.hostiles
    if let name = variable("FUZZ_SHORTEN") {
        let steps = SessionStep.list(contents(of: name), limit: .max)
        guard !survives(steps) else {
            print("\(name) does not fail")
            return 0
        }
        report(steps, name: "shortened")
        return 1
    }
    let first = variable("FUZZ_SEED").flatMap { UInt64($0) } ?? 1
    let seconds = variable("FUZZ_SECONDS").flatMap { Int($0) }
    let runs = variable("FUZZ_RUNS").flatMap { UInt64($0) } ?? (seconds == nil ? 1 : .max)
    let end = seconds.map { time(nil) + $0 }
    let began = time(nil)
    var seed = first
    var done: UInt64 = 0
    while done < runs, end.map({ time(nil) < $0 }) ?? true {
        let steps = SessionStep.list(seed: seed, count: stepsPerRun)
        if !survives(steps) {
            print("seed \(seed) fails, after \(done) runs and \(time(nil) - began) s. To repeat it: FUZZ_SEED=\(seed)")
            report(steps, name: "seed-\(seed)")
            return 1
        }
        seed &+= 1
        done += 1
    }
    print("\(done) runs of \(stepsPerRun) steps, seeds from \(first), in \(time(nil) - began) s: nothing found")
    return 0
}

/// Steps of a run.
let stepsPerRun = 160

private func report(_ steps: [SessionStep], name: String) {
    let few = shortened(steps) { !survives($0) }
    let file = (variable("FUZZ_OUT") ?? "./") + name
    print("\(few.count) of \(steps.count) steps do, kept in \(file):")
    for step in few { print("    \(step)") }
    write(SessionStep.bytes(few), to: file)
    fflush(nil)
    _ = survives(few, isQuiet: false)
}

/// Whether nothing is found, in a process of its own.
private func survives(_ steps: [SessionStep], isQuiet: Bool = true) -> Bool {
    withUnsafePointer(to: steps) { steps in
        fuzz_survives(
            { context in
                guard let steps = context?.assumingMemoryBound(to: [SessionStep].self).pointee else { return 2 }
                let trace = getenv("FUZZ_TRACE") == nil ? nil : { (line: String) in print(line) }
                guard let fault = SessionWorld.run(steps, trace: trace) else { return 0 }
                print(fault)
                fflush(nil)
                return 1
            }, steps, 60, isQuiet ? 1 : 0) == 1
    }
}

private func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

private func contents(of name: String) -> [UInt8] {
    guard let file = fopen(name, "r") else {
        print("\(name): cannot be read")
        exit(2)
    }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes.prefix(count))
}

private func write(_ bytes: [UInt8], to name: String) {
    guard let file = fopen(name, "w") else { return print("\(name): cannot be written") }
    defer { fclose(file) }
    fwrite(bytes, 1, bytes.count, file)
}
