import MillraceIO
import MillraceLog
import MillraceTestKit

/// One public operation of the engine, or a short sequence of them, to be run with every call failing in turn.
struct LogScenario: Sendable {
    let name: String
    /// Brings a disk into the state that the scenario starts from; nothing fails here.
    var prepare: @Sendable (inout LogBase) throws -> Void = { _ in }
    /// Stops at the first error.
    let run: @Sendable (LogLife) throws(LogError) -> Void

    static let all: [LogScenario] = [
        LogScenario(name: "create a store") { life throws(LogError) in try life.open() },
        LogScenario(name: "create a log", prepare: emptyStore) { life throws(LogError) in
            try life.open()
            try life.createLog()
        },
        LogScenario(name: "open what was closed cleanly", prepare: closedStore) { life throws(LogError) in
            try life.open(create: false)
            try life.openLog()
        },
        LogScenario(name: "open after a kill", prepare: killedStore) { life throws(LogError) in
            try life.open(create: false)
            try life.openLog()
        },
        LogScenario(name: "open after a power loss", prepare: crashedStore) { life throws(LogError) in
            try life.open(create: false)
            try life.openLog()
        },
        LogScenario(name: "append and wait for written", prepare: closedStore) { life throws(LogError) in
            try start(life)
            for _ in 0..<4 {
                try life.append()
                try life.wait(.written)
            }
        },
        LogScenario(name: "append and wait for durable", prepare: closedStore) { life throws(LogError) in
            try start(life)
            for _ in 0..<4 {
                try life.append()
                try life.wait(.durable)
            }
        },
        LogScenario(name: "the first records of a log", prepare: emptyStore) { life throws(LogError) in
            try life.open()
            try life.createLog()
            try life.appendBatch(3)
            try life.wait(.durable)
        },
        LogScenario(name: "a batch over several blocks", prepare: closedStore) { life throws(LogError) in
            try start(life)
            try life.append()
            try life.appendBatch(40)
            try life.wait(.durable)
            try life.appendBatch(2)
            try life.wait(.durable)
        },
        LogScenario(name: "flush, then sync", prepare: closedStore) { life throws(LogError) in
            try start(life)
            try life.appendBatch(20)
            try life.flush()
            try life.append()
            try life.flush()
            try life.sync()
        },
        LogScenario(name: "roll to new segments", prepare: closedStore) { life throws(LogError) in
            try start(life)
            for _ in 0..<3 {
                try life.append(12_000)
                try life.wait(.durable)
            }
            try life.append(12_000)
            try life.flush()
            try life.append(12_000)
            try life.sync()
            try life.wait(.durable)
        },
        LogScenario(name: "a record larger than a segment", prepare: closedStore) { life throws(LogError) in
            try start(life)
            try life.append(50_000)
            try life.wait(.durable)
        },
        LogScenario(name: "close", prepare: closedStore) { life throws(LogError) in
            try start(life)
            try life.append()
            try life.wait(.durable)
            try life.appendBatch(15)
            try life.close()
        },
        LogScenario(name: "read from memory", prepare: closedStore) { life throws(LogError) in
            try start(life)
            try life.appendBatch(15)
            try life.read(.published)
            try life.wait(.durable)
            try life.read(.durable)
        },
        LogScenario(name: "read from cold segments", prepare: closedStore) { life throws(LogError) in
            try start(life)
            try life.append(12_000)
            try life.append(12_000)
            try life.wait(.durable)
            try life.read(.durable, dropCache: true)
            try life.read(.durable, dropCache: true)
        },
        LogScenario(name: "seek by time", prepare: closedStore) { life throws(LogError) in
            try start(life)
            guard let log = life.log else { return }
            var cursor = log.cursor(at: 0, level: .durable)
            try cursor.seek(toArrival: 0)
            try cursor.seek(toArrival: .max)
        },
        LogScenario(name: "verify", prepare: killedStore) { life throws(LogError) in
            let found = try StoreVerification.run(at: "/store", io: life.io)
            if !found.isClean, life.io.injectedCount == 0 { life.wrong.append("\(found.findings)") }
        },
        LogScenario(name: "inspect", prepare: closedStore, run: inspect),
        LogScenario(name: "idle steps", prepare: closedStore) { life throws(LogError) in
            try start(life)
            for _ in 0..<2 {
                try life.appendBatch(3)
                try life.wait(.durable)
                try life.idle()
            }
        },
        LogScenario(name: "close and reopen", prepare: emptyStore) { life throws(LogError) in
            try life.open()
            try life.createLog()
            for _ in 0..<2 {
                try life.appendBatch(3)
                try life.close()
                try life.open(create: false)
                try life.openLog()
            }
            try life.append()
            try life.wait(.durable)
        },
        LogScenario(name: "a generation that is used up", prepare: closedStore) { life throws(LogError) in
            life.configuration.ordinalsPerGeneration = 3
            try start(life)
            for _ in 0..<6 {
                try life.append()
                try life.wait(.durable)
            }
        },
        LogScenario(name: "prepare a segment file", prepare: closedStore) { life throws(LogError) in
            try start(life)
            while try life.store?.prepareStep() == true {}
            _ = try life.store?.spaceState()
            _ = try life.store?.logIDs()
        },
    ]

    // MARK: What is there before

    private static func start(_ life: LogLife) throws(LogError) {
        try life.open(create: false)
        try life.openLog()
    }

    private static let emptyStore: @Sendable (inout LogBase) throws -> Void = { base in
        let life = LogLife(base, disk: base.disk, plan: nil)
        try life.open()
        try life.close()
        base = LogBase(disk: base.disk.kill(), model: life.model)
    }

    /// Three segments, closed cleanly.
    private static let closedStore: @Sendable (inout LogBase) throws -> Void = { base in
        let life = try fill(base)
        try life.close()
        base = LogBase(disk: base.disk.kill(), model: life.model, isCreated: true)
    }

    /// Three segments; the last records are written and not durable.
    private static let killedStore: @Sendable (inout LogBase) throws -> Void = { base in
        let life = try fill(base)
        base = LogBase(disk: base.disk.kill(), model: life.model, isCreated: true)
        life.letGo()
    }

    /// The same after a power loss that kept what was unsynced but for the end of the last batch.
    private static let crashedStore: @Sendable (inout LogBase) throws -> Void = { base in
        let life = try fill(base)
        base = LogBase(
            disk: base.disk.crash(.nothing, entropy: SeededEntropy(seed: 1)), model: life.model, isCreated: true)
        life.letGo()
        // What is left is what was durable.
        let durable = life.model.durable
        base.model.entries.removeAll { $0.ordinal >= durable }
        base.model.batchEnds.removeAll { $0 > base.model.entries.count }
        base.model.written = durable
        base.highestOrdinal = life.model.entries.last?.ordinal ?? 0
    }

    private static func fill(_ base: LogBase) throws(LogError) -> LogLife {
        let life = LogLife(base, disk: base.disk, plan: nil)
        try life.open()
        try life.createLog()
        for _ in 0..<4 {
            try life.append(9_000)
            try life.wait(.durable)
        }
        try life.appendBatch(30)
        try life.wait(.durable)
        try life.appendBatch(4)
        try life.flush()
        try life.appendBatch(20)
        try life.flush()
        return life
    }

    // MARK: Longer ones

    private static let inspect: @Sendable (LogLife) throws(LogError) -> Void = { life throws(LogError) in
        let io = life.io
        let root = try systemCall { () throws(IOError) in try io.openDirectory(at: "/store", create: false) }
        defer { io.close(root) }
        let logs = try systemCall { () throws(IOError) in try io.openDirectory("logs", in: root, create: false) }
        defer { io.close(logs) }
        let name = "0000000000000001"
        let handle = try systemCall { () throws(IOError) in try io.openDirectory(name, in: logs, create: false) }
        defer { io.close(handle) }
        for name in try systemCall({ () throws(IOError) in try io.list(handle) }) {
            let found = try SegmentInspection.read(file: name, in: handle, io: io)
            if !found.damage.isEmpty { life.wrong.append("\(name): \(found.damage)") }
        }
    }
}
