internal import CSodium
internal import Glibc
internal import Synchronization

/// Locked memory in slots. A page of its own for every key (`sodium_malloc` takes four) would use up the
/// usual limit of 8 MB of locked memory with a few hundred sessions; slots of one size share a page instead.
///
/// Each slab is kept out of swap (mlock) and out of core dumps (MADV_DONTDUMP). Where RLIMIT_MEMLOCK is used
/// up, slabs are still handed out, only not locked: a box with many sessions goes on working.
final class SecretPool: Sendable {
    static let shared = SecretPool()

    /// Slot sizes in bytes: X25519 keys; hashes; serialized private keys; ipsec-mb's ChaCha20-Poly1305 key with its
    /// context; libsodium's AES-256-GCM key schedule; ipsec-mb's. Slots of 64 bytes and more stand on multiples of 64, as
    /// the latter wants.
    static let slotSizes = [32, 64, 128, 256, 512, 1152]

    /// For each slot size, the slabs that have a free slot.
    private let open = Mutex<[[SecretSlab]]>(Array(repeating: [], count: SecretPool.slotSizes.count))

    /// A zero-filled slot of at least `count` bytes. Give it back with `release`.
    func take(_ count: Int) -> SecretSlot {
        guard let size = Self.slotSizes.firstIndex(where: { $0 >= count }) else {
            let slab = SecretSlab(slotSize: count, slots: 1)
            return SecretSlot(slab: slab, index: slab.takeSlot())
        }
        return open.withLock { open in
            if open[size].isEmpty {
                let slotSize = Self.slotSizes[size]
                open[size].append(SecretSlab(slotSize: slotSize, slots: SecretSlab.pageSize / slotSize))
            }
            let slab = open[size][open[size].count - 1]
            let slot = SecretSlot(slab: slab, index: slab.takeSlot())
            if slab.isFull { open[size].removeLast() }
            return slot
        }
    }

    /// Zeroes the slot and makes it free. An empty slab goes back to the system unless it is the last of its
    /// size, so that memory falls again after a storm of sessions.
    func release(_ slot: SecretSlot) {
        sodium_memzero(slot.address, slot.slab.slotSize)
        guard let size = Self.slotSizes.firstIndex(of: slot.slab.slotSize) else { return }
        open.withLock { open in
            if slot.slab.isFull { open[size].append(slot.slab) }
            slot.slab.giveBack(slot.index)
            if slot.slab.isEmpty && open[size].count > 1 {
                open[size].removeAll { $0 === slot.slab }
            }
        }
    }
}

/// One slot of a slab. It keeps the slab alive.
struct SecretSlot {
    let slab: SecretSlab
    let index: Int

    var address: UnsafeMutableRawPointer { slab.base + index * slab.slotSize }
}

/// A page, or several for one large slot. Its free list is guarded by the pool's lock.
final class SecretSlab: @unchecked Sendable {
    static let pageSize = max(4096, Int(sysconf(Int32(_SC_PAGESIZE))))

    let base: UnsafeMutableRawPointer
    let slotSize: Int
    private let slots: Int
    private let byteCount: Int
    private var free: [Int]

    init(slotSize: Int, slots: Int) {
        Sodium.start()
        self.slotSize = slotSize
        self.slots = slots
        free = Array((0..<slots).reversed())
        // Whole pages: locking and the mark for core dumps apply to pages, and strangers must not share them.
        byteCount = (slotSize * slots + Self.pageSize - 1) / Self.pageSize * Self.pageSize
        base = .allocate(byteCount: byteCount, alignment: Self.pageSize)
        base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        // The result is ignored on purpose: over the limit the memory is used unlocked.
        _ = sodium_mlock(base, byteCount)
    }

    deinit {
        _ = sodium_munlock(base, byteCount)  // Zeroes it, too.
        base.deallocate()
    }

    var isFull: Bool { free.isEmpty }
    var isEmpty: Bool { free.count == slots }

    /// The slab must not be full (a precondition).
    func takeSlot() -> Int { free.removeLast() }
    func giveBack(_ index: Int) { free.append(index) }
}
