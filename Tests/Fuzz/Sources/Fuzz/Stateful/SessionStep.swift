import Wire

/// One thing that the stateful fuzzer does: a value of eight bytes. So a run is a list of steps, any bytes at all are one,
/// and a run that found something is shortened by leaving steps out. What the numbers stand for is in `StepTables`.
struct SessionStep: Equatable {
    enum Verb: UInt8, CaseIterable {
        /// All three messages of a handshake.
        case handshake
        /// Message 1 alone; the keys that message 2 gives, without message 3; message 3, once more or for the first time.
        case call, prepare, finish
        /// Message 2 to the box's last message 1.
        case answer
        /// A sealed frame; a frame in pieces, in an odd order; a single piece that need not fit others.
        case frame, cut, piece
        /// Whether it accepts a link.
        case hello
        /// A relay frame with something inside.
        case relay
        /// A frame of the routing algorithm.
        case control
        /// Datagrams that nothing protects.
        case hint, cookie, raw, replay
        /// From now on, this end answers or does not.
        case manner
        /// Time passes, with everything that is due on the way, or at once, as for a machine that slept.
        case wait, jump
        /// What the box's own side asks for, and what its driver tells it.
        case local, command
        /// Many of a kind in one turn.
        case flood
    }

    var verb: Verb
    /// Who, to whom and by which way: see `hostile`, `box`, `way`.
    var actor: UInt8
    var kind: UInt8
    var flags: UInt8
    var size: UInt16
    var number: UInt16

    /// Bytes of a step.
    static let count = 8

    var hostile: Int { Int(actor & 3) % SessionWorld.hostileCount }
    var box: Int { Int(actor >> 2 & 3) }
    /// The box whose link carries it in relay frames; nil: straight.
    var way: Int? { actor >> 4 & 3 < 2 ? nil : Int(actor >> 4 & 3) - 2 }
    /// Which endpoint it comes from.
    var source: Int { Int(flags & 3) }
    func has(_ bit: Int) -> Bool { flags >> UInt8(bit) & 1 != 0 }

    // MARK: As bytes

    /// Reads as many whole steps as there are, at most `limit`.
    static func list(_ bytes: [UInt8], limit: Int = 512) -> [SessionStep] {
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            var steps: [SessionStep] = []
            while steps.count < limit, let verb = reader.little(UInt8.self), let actor = reader.little(UInt8.self),
                let kind = reader.little(UInt8.self), let flags = reader.little(UInt8.self),
                let size = reader.little(UInt16.self), let number = reader.little(UInt16.self)
            {
                let verb = Verb.allCases[Int(verb) % Verb.allCases.count]
                steps.append(
                    SessionStep(verb: verb, actor: actor, kind: kind, flags: flags, size: size, number: number))
            }
            return steps
        }
    }

    static func bytes(_ steps: [SessionStep]) -> [UInt8] {
        steps.reduce(into: []) { out, step in
            out += [step.verb.rawValue, step.actor, step.kind, step.flags]
            out.appendLittle(step.size)
            out.appendLittle(step.number)
        }
    }

    // MARK: From a seed

    /// A run of `count` steps. Stretches of it belong to one line, so that something comes of them.
    static func list(seed: UInt64, count: Int) -> [SessionStep] {
        let random = FixedRandom(seed)
        var steps: [SessionStep] = []
        var actor: UInt8 = 0
        while steps.count < count {
            if steps.isEmpty || random.next(below: 12) == 0 { actor = UInt8(random.next(below: 64)) }
            let isElsewhere = random.next(below: 8) == 0
            let verb = weighted[Int(random.next(below: UInt32(weighted.count)))]
            // Most come from where the line is at home, and most flags are rare.
            var flags: UInt8 = random.next(below: 4) == 0 ? UInt8(random.next(below: 4)) : 0
            for bit in 2..<8 as Range<UInt8> where random.next(below: 5) == 0 { flags |= 1 << bit }
            steps.append(
                SessionStep(
                    verb: verb, actor: isElsewhere ? UInt8(random.next(below: 64)) : actor,
                    kind: UInt8(random.next(below: 256)), flags: flags, size: UInt16(random.next(below: 1 << 16)),
                    number: UInt16(random.next(below: 1 << 16))))
        }
        return steps
    }

    private static let weights: [(verb: Verb, weight: Int)] = [
        (.handshake, 6), (.call, 5), (.prepare, 4), (.finish, 4), (.answer, 4), (.frame, 16), (.cut, 8), (.piece, 5),
        (.hello, 5), (.relay, 8), (.control, 6), (.hint, 2), (.cookie, 2), (.raw, 3), (.replay, 5), (.manner, 4),
        (.wait, 10), (.jump, 2), (.local, 8), (.command, 3), (.flood, 1),
    ]
    private static let weighted: [Verb] = weights.flatMap { [Verb](repeating: $0.verb, count: $0.weight) }
}

extension SessionStep: CustomStringConvertible {
    var description: String {
        let by = way.map { " through \($0)" } ?? ""
        return "\(verb) \(hostile)>\(box)\(by), kind \(kind), flags \(flags), size \(size), number \(number)"
    }
}
