internal import API
internal import AdminProtocol
internal import Settings

extension ConfigurationChange {
    /// For the one who asked for the reload.
    var summary: ReloadSummary {
        var summary = ReloadSummary()
        summary.peersAdded = peersAdded.map(\.label)
        summary.peersRemoved = peersRemoved.map(\.label)
        summary.peersChanged = peersChanged.map(\.label)
        summary.applied = applied
        summary.needsRestart = needsRestart
        return summary
    }
}
