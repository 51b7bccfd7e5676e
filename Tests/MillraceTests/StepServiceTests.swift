import Millrace
import MillraceIO
import MillraceModel
import MillraceTestKit
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: what a store does by itself runs on a thread as long as something is due, and ends with the store. Method: services whose steps
/// are counted.
@Suite(.timeLimit(.minutes(4))) struct StepServiceTests {
    @Test func `a thread waits to sweep only while there is a stream, and only where it was asked for`() throws {
        for isSweeping in [true, false] {
            let test = TestStore()
            func open() throws -> StreamStore {
                try StreamStore(
                    at: "/store", io: test.disk, clock: test.clock, entropy: test.entropy, configuration: test.configuration,
                    isScaling: true, isSweeping: isSweeping)
            }
            var store = try open()
            store.wantServices()
            #expect(store.runningServices == (false, false))
            try store.make()
            #expect(store.runningServices == (false, isSweeping))
            try store.split(0)
            #expect(store.runningServices == (false, isSweeping))
            try store.closeBlocking()
            store = try open()
            store.wantServices()
            #expect(store.runningServices == (false, isSweeping))
            try store.make("d", shards: nil) { $0.streamModeDetails = StreamModeDetails(.onDemand) }
            #expect(store.runningServices == (true, isSweeping))
            try store.closeBlocking()
            #expect(store.runningServices == (false, false))
        }
    }

    @Test func `a service steps while something is due, ends when nothing is, and begins again when it is wanted`() {
        let steps = Counter()
        let service = StepService("test", firstNanoseconds: 1_000_000) { _ throws(KinesisError) -> Int64? in
            steps.add()
            if steps.value == 2 { throw .invalidArgument("once") }
            return steps.value % 4 == 0 ? nil : 1_000_000
        }
        #expect(!service.isRunning)
        for round in 1...3 {
            service.want()
            while service.isRunning { usleep(1000) }
            #expect(steps.value == 4 * round)
            #expect(service.lastError == nil)
        }
        service.stop()
        service.want()
        #expect(!service.isRunning)
        #expect(steps.value == 12)
    }

    @Test func `a step that rests goes on at once when the service is stopped, and rests no more`() {
        let began = Guarded(false), rests = Guarded<[Bool]>([])
        let service = StepService("test", firstNanoseconds: 1) { service throws(KinesisError) -> Int64? in
            rests.withLock { $0.append(service.rest(nanoseconds: 1)) }
            began.withLock { $0 = true }
            for _ in 0..<2 {
                let isResting = service.rest(nanoseconds: 3_600_000_000_000)
                rests.withLock { $0.append(isResting) }
            }
            return nil
        }
        service.want()
        while !began.withLock({ $0 }) { usleep(1000) }
        service.stop()
        #expect(rests.withLock { $0 } == [true, false, false])
    }
}
