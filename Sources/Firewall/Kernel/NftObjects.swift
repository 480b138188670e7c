internal import CNftnl

/// libnftnl's pictures of what a table is made of, each freed at the end of its life. They are filled from plain values,
/// written into a message and thrown away.

/// libnftnl gives no picture only when memory is out, as Swift itself would.
func present(_ pointer: OpaquePointer?) -> OpaquePointer {
    guard let pointer else { fatalError("out of memory for a picture of nf_tables") }
    return pointer
}

struct NftTablePicture: ~Copyable {
    let pointer: OpaquePointer

    init(_ name: String, flags: UInt32? = nil) {
        pointer = present(nftnl_table_alloc())
        nftnl_table_set_u32(pointer, UInt16(NFTNL_TABLE_FAMILY.rawValue), UInt32(NFPROTO_INET))
        nftnl_table_set_str(pointer, UInt16(NFTNL_TABLE_NAME.rawValue), name)
        if let flags { nftnl_table_set_u32(pointer, UInt16(NFTNL_TABLE_FLAGS.rawValue), flags) }
    }

    deinit { nftnl_table_free(pointer) }
}

struct NftChainPicture: ~Copyable {
    let pointer: OpaquePointer

    init(_ name: String, in table: String, hook: RulesetChain.Hook? = nil) {
        pointer = present(nftnl_chain_alloc())
        set(NFTNL_CHAIN_TABLE, table)
        set(NFTNL_CHAIN_NAME, name)
        guard let hook else { return }
        set(NFTNL_CHAIN_TYPE, hook.kind.rawValue)
        nftnl_chain_set_u32(pointer, UInt16(NFTNL_CHAIN_HOOKNUM.rawValue), hook.hook.rawValue)
        nftnl_chain_set_s32(pointer, UInt16(NFTNL_CHAIN_PRIO.rawValue), hook.priority)
        nftnl_chain_set_u32(pointer, UInt16(NFTNL_CHAIN_POLICY.rawValue), UInt32(NF_ACCEPT))
    }

    deinit { nftnl_chain_free(pointer) }

    private func set(_ attribute: nftnl_chain_attr, _ text: String) {
        nftnl_chain_set_str(pointer, UInt16(attribute.rawValue), text)
    }
}

/// A counter or a limit.
struct NftObjectPicture: ~Copyable {
    let pointer: OpaquePointer

    init(_ type: Int32, _ name: String, in table: String) {
        pointer = present(nftnl_obj_alloc())
        nftnl_obj_set_u32(pointer, UInt16(NFTNL_OBJ_FAMILY), UInt32(NFPROTO_INET))
        nftnl_obj_set_str(pointer, UInt16(NFTNL_OBJ_TABLE), table)
        nftnl_obj_set_str(pointer, UInt16(NFTNL_OBJ_NAME), name)
        nftnl_obj_set_u32(pointer, UInt16(NFTNL_OBJ_TYPE), UInt32(type))
    }

    init(counter name: String, in table: String) {
        self.init(NFT_OBJECT_COUNTER, name, in: table)
        nftnl_obj_set_u64(pointer, UInt16(NFTNL_OBJ_CTR_PKTS), 0)
        nftnl_obj_set_u64(pointer, UInt16(NFTNL_OBJ_CTR_BYTES), 0)
    }

    init(_ limit: NamedLimit, in table: String) {
        self.init(NFT_OBJECT_LIMIT, limit.name, in: table)
        nftnl_obj_set_u64(pointer, UInt16(NFTNL_OBJ_LIMIT_RATE), limit.limit.rate)
        nftnl_obj_set_u64(pointer, UInt16(NFTNL_OBJ_LIMIT_UNIT), limit.limit.unit.rawValue)
        nftnl_obj_set_u32(pointer, UInt16(NFTNL_OBJ_LIMIT_BURST), limit.limit.burst)
        nftnl_obj_set_u32(pointer, UInt16(NFTNL_OBJ_LIMIT_TYPE), NFT_LIMIT_PKTS.rawValue)
        nftnl_obj_set_u32(pointer, UInt16(NFTNL_OBJ_LIMIT_FLAGS), 0)
    }

    deinit { nftnl_obj_free(pointer) }
}

/// A rule: expressions are added in order and belong to it.
struct NftRulePicture: ~Copyable {
    let pointer: OpaquePointer

    init(in chain: String, of table: String, comment: String? = nil) {
        pointer = present(nftnl_rule_alloc())
        nftnl_rule_set_u32(pointer, UInt16(NFTNL_RULE_FAMILY.rawValue), UInt32(NFPROTO_INET))
        nftnl_rule_set_str(pointer, UInt16(NFTNL_RULE_TABLE.rawValue), table)
        nftnl_rule_set_str(pointer, UInt16(NFTNL_RULE_CHAIN.rawValue), chain)
        if let comment, !comment.isEmpty { set(comment: comment) }
    }

    deinit { nftnl_rule_free(pointer) }

    /// `fill` sets the expression's attributes.
    func add(_ name: String, _ fill: (NftExpression) -> Void = { _ in }) {
        let expression = present(nftnl_expr_alloc(name))
        fill(NftExpression(pointer: expression))
        nftnl_rule_add_expr(pointer, expression)
    }

    /// Type, length, text with its NUL: as nft(8) keeps it.
    private func set(comment: String) {
        var text = comment
        while text.utf8.count >= NFTNL_UDATA_COMMENT_MAXLEN { text.removeLast() }
        let terminated = Array(text.utf8) + [0]
        let bytes = [UInt8(NFTNL_UDATA_RULE_COMMENT.rawValue), UInt8(terminated.count)] + terminated
        nftnl_rule_set_data(pointer, UInt16(NFTNL_RULE_USERDATA.rawValue), bytes, UInt32(bytes.count))
    }
}

/// An expression while it is filled. It belongs to its rule.
struct NftExpression {
    let pointer: OpaquePointer

    func set(_ attribute: Int, u8 value: UInt8) { nftnl_expr_set_u8(pointer, UInt16(attribute), value) }
    func set(_ attribute: Int, u32 value: UInt32) { nftnl_expr_set_u32(pointer, UInt16(attribute), value) }
    func set(_ attribute: Int, u64 value: UInt64) { nftnl_expr_set_u64(pointer, UInt16(attribute), value) }
    func set(_ attribute: Int, text: String) { nftnl_expr_set_str(pointer, UInt16(attribute), text) }
    /// An expression within this one, to which it belongs from now on.
    func set(_ attribute: Int, _ name: String, _ fill: (NftExpression) -> Void) {
        let inner = present(nftnl_expr_alloc(name))
        fill(NftExpression(pointer: inner))
        nftnl_expr_add_expr(pointer, UInt32(attribute), inner)
    }
    func set(_ attribute: Int, bytes: [UInt8]) {
        nftnl_expr_set(pointer, UInt16(attribute), bytes, UInt32(bytes.count))
    }
}
