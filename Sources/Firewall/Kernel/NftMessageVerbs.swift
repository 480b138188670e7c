internal import CNftnl

/// What can be asked of a table within a transaction, each as its messages.
extension NftBatch {
    mutating func createTable(_ name: String, owned: Bool, dormant: Bool) {
        let flags = (owned ? NFT_TABLE_F_OWNER.rawValue : 0) | (dormant ? NFT_TABLE_F_DORMANT.rawValue : 0)
        let picture = NftTablePicture(name, flags: flags)
        put(NFT_MSG_NEWTABLE, .createTable(name, owned: owned), flags: NLM_F_CREATE) {
            nftnl_table_nlmsg_build_payload($0, picture.pointer)
        }
    }

    /// Whether it is there or not: without flags a message that creates it leaves one that stands as it is, so then
    /// there is something to delete.
    mutating func deleteTableIfPresent(_ name: String) {
        let picture = NftTablePicture(name)
        put(NFT_MSG_NEWTABLE, .createTable(name, owned: false), flags: NLM_F_CREATE) {
            nftnl_table_nlmsg_build_payload($0, picture.pointer)
        }
        put(NFT_MSG_DELTABLE, .deleteTable(name)) { nftnl_table_nlmsg_build_payload($0, picture.pointer) }
    }

    mutating func createCounter(_ name: String, in table: String) {
        let picture = NftObjectPicture(counter: name, in: table)
        put(NFT_MSG_NEWOBJ, .create(.counter, name), flags: NLM_F_CREATE | NLM_F_EXCL) {
            nftnl_obj_nlmsg_build_payload($0, picture.pointer)
        }
    }

    mutating func createLimit(_ limit: NamedLimit, in table: String) {
        let picture = NftObjectPicture(limit, in: table)
        put(NFT_MSG_NEWOBJ, .create(.limit, limit.name), flags: NLM_F_CREATE | NLM_F_EXCL) {
            nftnl_obj_nlmsg_build_payload($0, picture.pointer)
        }
    }

    mutating func deleteCounter(_ name: String, in table: String) {
        let picture = NftObjectPicture(NFT_OBJECT_COUNTER, name, in: table)
        put(NFT_MSG_DELOBJ, .delete(.counter, name)) { nftnl_obj_nlmsg_build_payload($0, picture.pointer) }
    }

    mutating func deleteLimit(_ name: String, in table: String) {
        let picture = NftObjectPicture(NFT_OBJECT_LIMIT, name, in: table)
        put(NFT_MSG_DELOBJ, .delete(.limit, name)) { nftnl_obj_nlmsg_build_payload($0, picture.pointer) }
    }

    mutating func createSet(_ set: RulesetSet, in table: String) {
        let id = nextSet()
        create(.set, set.name, NftSetShape(set.elements), in: table, id: id)
        addElements(set.elements, to: set.name, in: table, id: id)
    }

    mutating func createMap(_ map: RulesetMap, in table: String) {
        let id = nextSet()
        create(.map, map.name, NftSetShape(map.elements), in: table, id: id)
        let picture = NftSetPicture(map.name, in: table, id: id)
        picture.add(map.elements)
        elements(NFT_MSG_NEWSETELEM, .addElements(.map, map.name), picture)
    }

    mutating func deleteSet(_ kind: NftSubject.Kind, _ name: String, in table: String) {
        let picture = NftSetPicture(name, in: table)
        put(NFT_MSG_DELSET, .delete(kind, name)) { nftnl_set_nlmsg_build_payload($0, picture.pointer) }
    }

    mutating func addElements(_ new: RulesetSet.Elements, to set: String, in table: String, id: UInt32? = nil) {
        let picture = NftSetPicture(set, in: table, id: id)
        picture.add(new)
        elements(NFT_MSG_NEWSETELEM, .addElements(.set, set), picture)
    }

    mutating func deleteElements(_ gone: RulesetSet.Elements, of set: String, in table: String) {
        let picture = NftSetPicture(set, in: table)
        picture.add(gone)
        elements(NFT_MSG_DELSETELEM, .deleteElements(.set, set), picture)
    }

    mutating func createChain(_ chain: RulesetChain, in table: String) {
        let picture = NftChainPicture(chain.name, in: table, hook: chain.hook)
        put(NFT_MSG_NEWCHAIN, .create(.chain, chain.name), flags: NLM_F_CREATE | NLM_F_EXCL) {
            nftnl_chain_nlmsg_build_payload($0, picture.pointer)
        }
    }

    mutating func deleteChain(_ name: String, in table: String) {
        let picture = NftChainPicture(name, in: table)
        put(NFT_MSG_DELCHAIN, .delete(.chain, name)) { nftnl_chain_nlmsg_build_payload($0, picture.pointer) }
    }

    /// Takes all rules out.
    mutating func flushChain(_ name: String, in table: String) {
        let picture = NftRulePicture(in: name, of: table)
        put(NFT_MSG_DELRULE, .flushChain(name)) { nftnl_rule_nlmsg_build_payload($0, picture.pointer) }
    }

    mutating func addRules(of chain: RulesetChain, in table: String) {
        for (index, rule) in chain.rules.enumerated() {
            var lowering = StatementLowering(NftRulePicture(in: chain.name, of: table, comment: rule.comment))
            for statement in rule.statements { lowering.write(statement) }
            let picture = lowering.finish()
            // A statement makes at most six expressions of at most a name's length and some numbers.
            let room = Self.room + rule.statements.count * 2048
            let subject = NftSubject.addRule(index + 1, chain: chain.name, comment: rule.comment)
            put(NFT_MSG_NEWRULE, subject, flags: NLM_F_CREATE | NLM_F_APPEND, room: room) {
                nftnl_rule_nlmsg_build_payload($0, picture.pointer)
            }
        }
    }

    private mutating func create(
        _ kind: NftSubject.Kind, _ name: String, _ shape: NftSetShape, in table: String, id: UInt32
    ) {
        let picture = NftSetPicture(name, in: table, id: id)
        picture.describe(shape, isMap: kind == .map)
        put(NFT_MSG_NEWSET, .create(kind, name), flags: NLM_F_CREATE | NLM_F_EXCL) {
            nftnl_set_nlmsg_build_payload($0, picture.pointer)
        }
    }

    /// In as many messages as it takes: the length of a nest has 16 bits.
    private mutating func elements(
        _ type: nf_tables_msg_types, _ subject: NftSubject, _ picture: borrowing NftSetPicture
    ) {
        guard let iterator = nftnl_set_elems_iter_create(picture.pointer) else { return }
        defer { nftnl_set_elems_iter_destroy(iterator) }
        guard nftnl_set_elems_iter_cur(iterator) != nil else { return }
        let flags = type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0
        var isMore = true
        while isMore {
            put(type, subject, flags: flags, room: Self.roomForElements) {
                isMore = nftnl_set_elems_nlmsg_build_payload_iter($0, iterator) > 0
            }
        }
    }
}
