internal import CLinux

/// The memory that the process has in hand: when malloc gives it back, and what it needs no more for now.
package enum ResidentMemory {
    /// Blocks of so many bytes are mapped one by one, so that a freed one is the kernel's at once.
    package static let mappedBlock = 1 << 20

    /// Has malloc work like that from now on, and the kernel give memory by single pages: in buffers of megabytes of which a few kilobytes
    /// are used, large ones would only be waste. At the start of the program, and for good.
    package static func settle() {
        clinux_map_blocks_of(Int32(mappedBlock))
        clinux_take_small_pages()
    }

    /// Gives back what the start or a stream has left behind: pages of the heap in which nothing is, and pages of the program's and the
    /// libraries' files, most of which the start alone runs through. These stay in the kernel's page cache while there is room; the next
    /// use of one costs a minor fault. Takes a millisecond or two, on any thread. A debugger's breakpoints and a tracer's
    /// probes in the program are such pages too, and are gone afterwards.
    ///
    /// Gives the bytes of the files' mappings that were gone through.
    @discardableResult
    package static func giveBack() -> UInt64 {
        clinux_trim_heap()
        return clinux_drop_program_pages()
    }
}
