import Wire

/// A whole attack: each input is a list of steps, eight bytes each. See `SessionWorld`.
struct SessionTarget: FuzzTarget {
    /// The tests run seeds besides.
    static var bentInputs: Int { 6 }

    mutating func run(_ input: [UInt8]) {
        let fault = SessionWorld.run(SessionStep.list(input, limit: 256))
        demand(fault == nil, fault ?? "")
    }
}
