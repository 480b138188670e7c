@testable import Mesh

extension Answering {
    /// Handshake work done in this turn, with the limits of a real box: what is left, asked of a copy, says it.
    var workThisTurn: Int {
        var copy = self
        let most = MeshLimits().handshakesPerTurn
        return (0..<most).count { _ in !copy.takeWork(isExpected: true) }
    }
}
