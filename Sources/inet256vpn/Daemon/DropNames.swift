internal import Mesh
internal import Portal

// Both layers count drops by a reason of their own; these names tell them apart where both are seen.
typealias MeshDropReason = Mesh.DropReason
typealias PortalDropReason = Portal.DropReason
