import INET256
import Wire

@testable import Mesh

/// A step's verbs.
extension SessionWorld {
    /// Performs the steps. What did not hold, if anything: with the step after which it did not.
    static func run(_ steps: [SessionStep], seed: UInt64 = 1, trace: ((String) -> Void)? = nil) -> String? {
        let world = SessionWorld(seed: seed)
        world.trace = trace
        for (number, step) in steps.enumerated() {
            trace?("step \(number): \(step)")
            world.perform(step)
            world.calm()
            world.check()
            if let fault = world.fault { return "\(fault), after step \(number): \(step)" }
        }
        world.checkHonestTraffic()
        world.check()
        return world.fault
    }

    private func perform(_ step: SessionStep) {
        // Whatever is done to a box may make something due at once.
        ticks[step.box] = 0
        let line = line(step.hostile, step.box, step.way)
        switch step.verb {
        case .handshake: handshake(line, suites: suites(step), source: step.source)
        case .call: call(step, line)
        case .prepare: line.prepare(lying: step.has(7) && step.has(6) ? step.kind : 0)
        case .finish: line.message3.map { carry(bent($0, step), line, source: step.source) }
        case .answer:
            if let message = line.answer(lying: step.has(7) && step.has(6) ? step.kind : 0, random: random) {
                carry(bent(message, step), line, source: step.source)
            }
        case .frame: frame(step, line)
        case .cut: cut(step, line)
        case .piece: piece(step, line)
        case .hello:
            prepared(step, line)
            let frame = line.hello(accepts: !step.has(3), run: UInt64(step.number & 3), wantsAnswer: step.has(4))
            send(resized(frame, step), line, source: step.source)
        case .relay: relay(step, line)
        case .control: control(step, line)
        case .hint: hint(step, line)
        case .cookie: cookie(step, line)
        case .raw: raw(step, line)
        case .replay: replay(step, line)
        case .manner:
            line.isPolite = !step.has(2)
            line.answersFrom = step.source
        case .wait: advance(StepTables.span(step.number))
        case .jump: jump(StepTables.longSpan(step.number))
        case .local: local(step)
        case .command: command(step)
        case .flood: flood(step, line)
        }
    }

    // MARK: Handshakes

    private func suites(_ step: SessionStep) -> UInt16 { [2, 4, 6, 6, 6, 0, 1, .max][Int(step.kind) % 8] }

    private func call(_ step: SessionStep, _ line: HostileLine) {
        // The same once more, perhaps from elsewhere.
        if step.has(4), !line.message1.isEmpty { return carry(bent(line.message1, step), line, source: step.source) }
        // Points of small order, and no point at all.
        let odd: [Bytes32] = [.zero, Bytes32(words: (1 << 56, 0, 0, 0)), Bytes32(words: (.max, .max, .max, .max))]
        let ephemeral = step.has(6) && step.has(7) ? odd[Int(step.number) % odd.count] : nil
        let message = line.call(address(line.box), suites: suites(step), random: random, ephemeral: ephemeral)
        carry(bent(message, step), line, source: step.source)
    }

    /// Most steps that speak inside a session make one first.
    func prepared(_ step: SessionStep, _ line: HostileLine) {
        if !step.has(5) || line.keys == nil { connect(line) }
    }

    // MARK: Frames

    private func frame(_ step: SessionStep, _ line: HostileLine) {
        prepared(step, line)
        let frame = resized(natural(step, line), step)
        if frame.count > line.largestFrame || step.has(4) { return send(frame, line, source: step.source) }
        guard let datagram = line.seal(frame, counter: step.number, old: step.has(2)) else { return }
        carry(step.has(3) ? bent(datagram, step) : datagram, line, source: step.source)
    }

    /// A frame of the step's kind as it should be.
    func natural(_ step: SessionStep, _ line: HostileLine) -> [UInt8] {
        let kind = step.kind % 21
        guard let known = FrameKind(rawValue: kind) else { return [kind, 1, 2, 3] }
        switch known {
        case .keepalive, .goodbye: return [kind]
        case .message, .partialPacket: return [kind, 0x66, 1, 2, 3]
        case .fragment: return line.fragmentHead(1, 0, 2, 100) + [UInt8](repeating: 7, count: 50)
        case .relay: return relayFrame([4], to: address((line.box + 1) % Self.boxCount), from: line.hostile.address)
        case .control: return [kind] + BeaconFrame.header(.updates, epoch: 1) + [0, 0, 0, 0, 0, 0, 0, 1, 3]
        case .challenge: return [kind, 1, 2, 3, 4, 5, 6, 7, 8]
        case .challengeResponse: return [kind] + (line.heard.challenge ?? [8, 7, 6, 5, 4, 3, 2, 1])
        case .sizeProbe: return [kind, 1, 0, 0, 0, 0]
        case .sizeProbeAnswer: return line.probeAnswer(UInt32(StepTables.size(step.number) ?? line.heard.probeSize))
        case .hello: return line.hello(accepts: true, run: 1)
        case .prefix: return [kind, 8, 0xfd] + [UInt8](repeating: 0, count: 15)
        case .sameKey: return [kind, UInt8(step.number & 1)]
        case .candidates, .observed: return place(step, line, kind)
        case .service: return [kind, 1] + [UInt8](repeating: 3, count: Int(step.number % 1003))
        case .ping: return [kind] + [UInt8](repeating: 9, count: 16)
        case .pong: return [kind] + (line.heard.ping ?? [1, 2, 3, 4, 5, 6, 7, 8])
        case .relaySize:
            var frame = [kind]
            frame.appendLittle(UInt16(truncatingIfNeeded: StepTables.size(step.number) ?? 0))
            return frame
        }
    }

    /// Where somebody may be: the hostile node itself, another one, a box, or anybody.
    private func place(_ step: SessionStep, _ line: HostileLine, _ kind: UInt8) -> [UInt8] {
        var places = [endpoint(of: step.hostile, 0), endpoint(line.box), endpoint(line.box ^ 1)]
        places += (0..<5).map {
            Endpoint(
                address: IPv6Address(high: 0x2001_0db8_00ff_0000, low: UInt64(step.number) &+ $0), port: step.number)
        }
        var candidates = CandidatesFrame(
            places.enumerated().map { Candidate($1, Candidate.Kind(rawValue: UInt8($0 % 4)) ?? .host) },
            wantsAnswer: step.has(0), hasHardNAT: step.has(1))
        candidates.wantsSpray = step.has(2)
        candidates.isSpraying = step.has(3)
        let frame: Frame =
            kind == FrameKind.observed.rawValue
            ? .observed(places[Int(step.size) % places.count]) : .candidates(candidates)
        var bytes = [UInt8](repeating: 0, count: frame.count)
        bytes.withUnsafeMutableBytes { if let base = $0.baseAddress { frame.write(to: base) } }
        return bytes
    }

    /// As long as the step says, if it says so.
    func resized(_ frame: [UInt8], _ step: SessionStep) -> [UInt8] {
        guard let size = StepTables.size(step.size) else { return frame }
        let whole = max(size, 1)
        return frame.count >= whole
            ? Array(frame.prefix(whole)) : frame + [UInt8](repeating: 0, count: whole - frame.count)
    }

    /// With a flipped bit, cut or longer, where the step says so.
    func bent(_ datagram: [UInt8], _ step: SessionStep) -> [UInt8] {
        guard step.has(2), !datagram.isEmpty else { return datagram }
        var out = datagram
        let place = Int(step.number) % out.count
        switch step.size & 3 {
        case 0: out.removeSubrange(place...)
        case 1: out.append(UInt8(truncatingIfNeeded: step.number))
        default: out[place] ^= 1 << UInt8(step.size >> 2 & 7)
        }
        return out
    }

    // MARK: Pieces

    /// A whole frame in pieces: in order, backwards, some twice, one missing.
    private func cut(_ step: SessionStep, _ line: HostileLine) {
        prepared(step, line)
        let frame = resized(natural(step, line), step)
        var pieces = line.pieces(of: frame, count: Int(step.number & 63) + 2)
        if step.has(3) { pieces.reverse() }
        if step.has(4), let first = pieces.first { pieces.insert(first, at: pieces.count / 2) }
        if step.has(6), step.has(7) { pieces.remove(at: Int(step.number >> 6) % pieces.count) }
        for piece in pieces {
            guard let datagram = line.seal(piece) else { return }
            carry(datagram, line, source: step.source)
        }
    }

    /// A piece that says of itself what it likes.
    private func piece(_ step: SessionStep, _ line: HostileLine) {
        prepared(step, line)
        let total = StepTables.size(step.size) ?? Int(step.size) * Int(step.number)
        let pieces = step.has(3) ? StepTables.byte(step.number) : 2 + step.kind % 63
        let number = step.has(4) ? step.kind / 8 : UInt8(truncatingIfNeeded: step.number >> 8) % max(pieces, 1)
        let even = (total + Int(max(pieces, 1)) - 1) / Int(max(pieces, 1))
        let length = step.has(6) ? StepTables.size(step.number) ?? even : even
        let frame =
            line.fragmentHead(UInt32(step.number & 3), number, pieces, UInt32(truncatingIfNeeded: total))
            + [UInt8](repeating: step.kind % 15, count: min(length, 60_000))
        guard let datagram = line.seal(frame) else { return }
        carry(datagram, line, source: step.source)
    }
}
