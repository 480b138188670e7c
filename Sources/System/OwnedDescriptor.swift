internal import Glibc

/// A file descriptor with one owner, closed when the owner goes, on whichever way out.
package struct OwnedDescriptor: ~Copyable {
    package let number: Int32

    /// Takes over an open descriptor.
    package init(owning number: Int32) { self.number = number }

    deinit { close(number) }

    /// Hands it over to the caller, who closes it.
    package consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }
}
