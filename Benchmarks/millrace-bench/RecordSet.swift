#if Tools
    /// The records of a scenario, taken round and round: the flights, or made ones, which their name says.
    ///
    /// Made records are many enough that the same one comes again only far outside a block, where LZ4 does not see it.
    struct RecordSet: Sendable {
        /// As it stands in a row: `flights`, `100 B (made)`.
        let name: String
        let bytes: [UInt8]
        let places: [FlightPlace]
        /// Key and data of all of them.
        let byteCount: Int

        var count: Int { places.count }

        init(_ flights: Flights) {
            name = "flights"
            bytes = flights.bytes
            places = flights.places
            byteCount = flights.byteCount
        }

        /// Text as a compact flight of so many bytes would be, key and data together; the same in every run. Some 4,000 keys, or a key
        /// for each record.
        static func made(
            recordByteCount: Int, keyByteCount: Int, count: Int = 20_011, hasDistinctKeys: Bool = false
        ) -> RecordSet {
            var random = Sequence64(state: UInt64(recordByteCount))
            var bytes: [UInt8] = []
            var places: [FlightPlace] = []
            bytes.reserveCapacity(count * recordByteCount)
            for index in 0..<count {
                let start = bytes.count
                let number = hasDistinctKeys ? UInt64(index) &* 7_919 % 9_999_991 : random.next() % 4043
                bytes += Array("N\(10_000 + number)AAAAAAAAAA".utf8.prefix(keyByteCount))
                bytes += text(&random, index: index, byteCount: recordByteCount - keyByteCount)
                places.append(
                    FlightPlace(
                        dataStart: start + keyByteCount, dataByteCount: Int32(recordByteCount - keyByteCount),
                        keyStart: Int32(-keyByteCount), keyByteCount: Int32(keyByteCount)))
            }
            return RecordSet(name: "\(recordByteCount) B (made)", bytes: bytes, places: places)
        }

        init(name: String, bytes: [UInt8], places: [FlightPlace]) {
            self.name = name
            self.bytes = bytes
            self.places = places
            byteCount = places.reduce(0) { $0 + Int($1.dataByteCount) + Int($1.keyByteCount) }
        }

        private static func text(_ random: inout Sequence64, index: Int, byteCount: Int) -> ArraySlice<UInt8> {
            let airports = ["EWR", "JFK", "LGA", "IAH", "MIA", "ATL", "ORD", "LAX", "BOS", "SFO", "DEN", "CLT"]
            let carriers = ["UA", "AA", "B6", "DL", "EV", "MQ", "US", "WN", "VX", "FL"]
            func pick(_ names: [String]) -> String { names[Int(random.next() % UInt64(names.count))] }
            func number(_ limit: UInt64) -> UInt64 { random.next() % limit }
            if byteCount < 40 { return Array("\(number(10_000_000_000_000))............".utf8).prefix(byteCount) }
            // A long record is several flights, one behind the other.
            var text: [UInt8] = []
            while text.count < byteCount {
                let line =
                    #"{"day":\#(index / 900),"carrier":"\#(pick(carriers))","flight":\#(number(6000)),"dep":\#(number(1440)),"#
                    + #""arr":\#(number(1440)),"from":"\#(pick(airports))","to":"\#(pick(airports))","late":\#(number(90)),"#
                    + #""miles":\#(number(2500)),"minutes":\#(number(400)),"tail":\#(number(100_000))}"#
                text += line.utf8
            }
            return text.prefix(byteCount)
        }

        /// A small generator whose numbers are the same everywhere (splitmix64).
        private struct Sequence64 {
            var state: UInt64
            mutating func next() -> UInt64 {
                state &+= 0x9E37_79B9_7F4A_7C15
                var mixed = state
                mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
                mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
                return mixed ^ (mixed >> 31)
            }
        }

        @inline(__always) @_lifetime(borrow self)
        func data(_ index: Int) -> RawSpan {
            let place = places[index]
            let range = place.dataStart..<(place.dataStart + Int(place.dataByteCount))
            // Safe because bytes have no padding, and `self` keeps them unchanged while it is borrowed.
            let span = unsafe bytes.span.bytes.extracting(range)
            return unsafe _overrideLifetime(span, borrowing: self)
        }

        @inline(__always) @_lifetime(borrow self)
        func key(_ index: Int) -> RawSpan {
            let place = places[index]
            let start = place.dataStart + Int(place.keyStart)
            // Safe because bytes have no padding, and `self` keeps them unchanged while it is borrowed.
            let span = unsafe bytes.span.bytes.extracting(start..<(start + Int(place.keyByteCount)))
            return unsafe _overrideLifetime(span, borrowing: self)
        }

        /// Key and data bytes of `count` records from the `start`th on, round and round.
        func byteCount(from start: Int = 0, count: Int) -> Int {
            var sum = count / self.count * byteCount
            for index in 0..<count % self.count {
                let place = places[(start + index) % self.count]
                sum += Int(place.dataByteCount) + Int(place.keyByteCount)
            }
            return sum
        }

        /// How many records, taken round and round from the first, hold at least so many bytes.
        func count(ofBytes wanted: Int) -> Int {
            var count = wanted / byteCount * self.count
            var sum = wanted / byteCount * byteCount
            while sum < wanted {
                let place = places[count % self.count]
                sum += Int(place.dataByteCount) + Int(place.keyByteCount)
                count += 1
            }
            return count
        }

        /// The digest of `count` records from the `start`th on, round and round.
        func digest(from start: Int = 0, count: Int) -> RecordDigest {
            var digest = RecordDigest()
            var at = start % self.count
            for _ in 0..<count {
                digest.add(key: key(at), data: data(at))
                at += 1
                if at == self.count { at = 0 }
            }
            return digest
        }
    }
#endif
