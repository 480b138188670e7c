package import System

/// What fails in a socket fails in the system call beneath it.
package typealias TransportError = SystemError
