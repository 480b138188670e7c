internal import DataPlane
internal import Portal
internal import Settings

extension ThreadScheduling {
    /// As the configuration says it.
    init(_ choice: SchedulingChoice) {
        switch choice {
        case .normal: self = .normal
        case .realtime: self = .realtime
        }
    }
}

extension DSCPPolicy {
    /// As the configuration says it.
    init(_ choice: DSCPChoice) {
        switch choice {
        case .clear: self = .clear
        case .inherit: self = .inherit
        case .fixed(let dscp): self = .fixed(dscp)
        }
    }
}
