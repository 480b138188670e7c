import Wire

/// One decoder, with the state that it needs.
protocol FuzzTarget {
    init()
    /// Takes one input. Whatever it is, this returns.
    mutating func run(_ input: [UInt8])
    /// How many bent inputs the tests run: less where one takes long.
    static var bentInputs: Int { get }
}

extension FuzzTarget {
    static var bentInputs: Int { 1000 }
}

/// Every target by the name that `scripts/fuzz` and the folders of Tests/Fuzz/corpus call it.
enum FuzzTargets {
    static var all: [String: any FuzzTarget.Type] {
        [
            "datagram": DatagramTarget.self, "frame": FrameTarget.self, "reassembler": ReassemblerTarget.self,
            "beacon": BeaconTarget.self, "text": TextTarget.self, "packet": PacketTarget.self,
            "offload": OffloadTarget.self,
            "nodeframe": NodeFrameTarget.self, "noderequest": NodeRequestTarget.self, "base64": Base64Target.self,
            "clientframe": ClientFrameTarget.self, "answerhead": AnswerHeadTarget.self,
            "clientjson": ClientJSONTarget.self, "session": SessionTarget.self,
            "names": NamesTarget.self, "nameserver": NameServerTarget.self,
            "portmapping": PortMappingTarget.self,
            "discoverylink": DiscoveryLinkTarget.self, "central": CentralTarget.self, "lastgood": LastGoodTarget.self,
            "joining": JoiningTarget.self, "keychange": KeyChangeTarget.self, "ownnames": OwnNamesTarget.self,
            "formquery": FormQueryTarget.self,
        ]
    }
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
