package import MillraceModel

// What may be changed of a stream while it lives, on the calling thread.

extension StreamStore {
    // MARK: How long records stay

    package func answer(_ request: IncreaseStreamRetentionPeriodRequest) throws(KinesisError) {
        try begin(request)
        try setRetention(request.stream, hours: request.retentionPeriodHours ?? 0) { new, old, name in
            new.hours >= old.hours
                ? nil
                : .invalidArgument(
                    "Requested retention period (\(new.hours) hours) for stream \(name) can not be shorter than existing "
                        + "retention period (\(old.hours) hours). Use DecreaseRetentionPeriod API.")
        }
    }

    package func answer(_ request: DecreaseStreamRetentionPeriodRequest) throws(KinesisError) {
        try begin(request)
        try setRetention(request.stream, hours: request.retentionPeriodHours ?? 0) { new, old, name in
            new.hours <= old.hours
                ? nil
                : .invalidArgument(
                    "Requested retention period (\(new.hours) hours) for stream \(name) can not be longer than existing "
                        + "retention period (\(old.hours) hours). Use IncreaseRetentionPeriod API.")
        }
    }

    private func setRetention(
        _ reference: StreamReference, hours: Int,
        refuse: (RetentionPeriod, RetentionPeriod, StreamName) -> KinesisError?
    ) throws(KinesisError) {
        let period = try RetentionPeriod(hours: hours)
        try changeSettings(reference) { stream, settings throws(KinesisError) in
            if let refusal = refuse(period, settings.retention, stream.name) { throw refusal }
            if period == settings.retention { return }
            // What the old period has put out of sight stays so, and what the new one does is so from now on.
            settings.horizonFloorMilliseconds = horizon(of: stream)
            settings.retention = period
            settings.horizonFloorMilliseconds = settings.horizon(at: core.agingMilliseconds())
        }
    }

    // MARK: Encryption

    package func answer(_ request: StartStreamEncryptionRequest) throws(KinesisError) {
        try begin(request)
        guard request.encryptionType == EncryptionType.kms.rawValue else {
            throw .invalidArgument("EncryptionType must be KMS to start encryption.")
        }
        try changeSettings(request.stream) { _, settings in
            settings.encryption = .kms
            settings.keyID = request.keyID ?? ""
        }
    }

    package func answer(_ request: StopStreamEncryptionRequest) throws(KinesisError) {
        try begin(request)
        guard request.encryptionType == EncryptionType.kms.rawValue else {
            throw .invalidArgument("EncryptionType must be KMS to stop encryption.")
        }
        try changeSettings(request.stream) { _, settings in
            settings.encryption = .unencrypted
            settings.keyID = ""
        }
    }

    // MARK: Metrics for each shard

    package func answer(_ request: EnableEnhancedMonitoringRequest) throws(KinesisError) -> EnhancedMonitoringResponse {
        try begin(request)
        return try setMetrics(request.stream) { $0.union(Self.metrics(request.shardLevelMetrics)) }
    }

    package func answer(_ request: DisableEnhancedMonitoringRequest) throws(KinesisError) -> EnhancedMonitoringResponse {
        try begin(request)
        return try setMetrics(request.stream) { $0.subtracting(Self.metrics(request.shardLevelMetrics)) }
    }

    /// ALL means each of them.
    private static func metrics(_ names: [String]?) -> Set<ShardLevelMetric> {
        let named = Set((names ?? []).compactMap(ShardLevelMetric.init))
        return named.contains(.all) ? Set(ShardLevelMetric.allCases).subtracting([.all]) : named
    }

    private func setMetrics(
        _ reference: StreamReference, _ body: (Set<ShardLevelMetric>) -> Set<ShardLevelMetric>
    ) throws(KinesisError) -> EnhancedMonitoringResponse {
        var answer: (name: StreamName, before: StreamSettings, after: StreamSettings)?
        try changeSettings(reference) { stream, settings in
            settings.metrics = body(settings.metrics)
            answer = (stream.name, stream.settings, settings)
        }
        guard let answer else { throw core.words.streamNotFound(reference.name ?? "") }
        return EnhancedMonitoringResponse(
            streamName: answer.name, streamARN: core.options.streamARN(answer.name),
            currentShardLevelMetrics: answer.before.sortedMetrics, desiredShardLevelMetrics: answer.after.sortedMetrics)
    }

    // MARK: Capacity

    package func answer(_ request: UpdateStreamModeRequest) throws(KinesisError) {
        try begin(request)
        let mode = request.streamModeDetails?.streamMode.flatMap(StreamMode.init) ?? .provisioned
        let warm = request.warmThroughputMiBps ?? 0
        if mode == .provisioned, warm > 0 {
            throw .validation("WarmThroughputMiBps is for streams in ON_DEMAND mode only.")
        }
        try changeSettings(StreamReference(arn: request.streamARN)) { _, settings throws(KinesisError) in
            if settings.mode != mode {
                let now = core.nowMilliseconds()
                if core.options.capacity == .enforce,
                    Recent.count(settings.modeChanges, at: now) >= Limits.modeChangesPerDay
                {
                    throw .limitExceeded("The mode was changed \(Limits.modeChangesPerDay) times in the last 24 hours.")
                }
                settings.modeChanges = Recent.adding(now, to: settings.modeChanges)
            }
            settings.mode = mode
            settings.warmThroughputMiBps = warm
        }
        wantScaling()
    }

    package func answer(
        _ request: UpdateStreamWarmThroughputRequest
    ) throws(KinesisError) -> UpdateStreamWarmThroughputResponse {
        try begin(request)
        let target = request.warmThroughputMiBps ?? 0
        var answer: UpdateStreamWarmThroughputResponse?
        if target > Limits.warmThroughputMiBps {
            throw .limitExceeded("A stream's warm throughput is at most \(Limits.warmThroughputMiBps) MiB/s.")
        }
        if catalogue.known.account?.billingCommitment.isEnabled != true {
            throw .validation(
                "UpdateStreamWarmThroughput needs the account's minimum throughput billing commitment to be enabled.")
        }
        try changeSettings(request.stream) { stream, settings throws(KinesisError) in
            guard settings.mode == .onDemand else {
                throw .validation("Stream \(stream.name) is not in ON_DEMAND mode, which warm throughput is for.")
            }
            answer = UpdateStreamWarmThroughputResponse(
                streamARN: core.options.streamARN(stream.name), streamName: stream.name,
                warmThroughput: WarmThroughput(targetMiBps: target, currentMiBps: settings.warmThroughputMiBps))
            settings.warmThroughputMiBps = target
        }
        guard let answer else { throw core.words.streamNotFound(request.stream.name ?? "") }
        return answer
    }

    package func answer(_ request: UpdateMaxRecordSizeRequest) throws(KinesisError) {
        try begin(request)
        try changeSettings(StreamReference(arn: request.streamARN)) { _, settings in
            settings.maximumRecordByteCount = (request.maxRecordSizeInKiB ?? 0) << 10
        }
    }

    // MARK: The account

    package func answer(_ request: DescribeLimitsRequest) throws(KinesisError) -> DescribeLimitsResponse {
        try begin(request)
        let streams = catalogue.known.streams.values
        return DescribeLimitsResponse(
            shardLimit: Limits.accountShardCount,
            openShardCount: streams.filter { $0.settings.mode == .provisioned }.reduce(0) { $0 + $1.openShards.count },
            onDemandStreamCount: streams.count { $0.settings.mode == .onDemand },
            onDemandStreamCountLimit: Limits.accountOnDemandStreamCount)
    }

    package func answer(
        _ request: DescribeAccountSettingsRequest
    ) throws(KinesisError) -> DescribeAccountSettingsResponse {
        try begin(request)
        return DescribeAccountSettingsResponse(minimumThroughputBillingCommitment: commitment)
    }

    package func answer(_ request: UpdateAccountSettingsRequest) throws(KinesisError) -> UpdateAccountSettingsResponse {
        try begin(request)
        let isEnabled = request.minimumThroughputBillingCommitment?.status == BillingCommitmentChange.Status.enabled.rawValue
        let second = core.nowMilliseconds() / 1000
        try catalogue.change { known in
            guard var account = known.account, account.billingCommitment.isEnabled != isEnabled else { return [] }
            account.billingCommitment.isEnabled = isEnabled
            if isEnabled {
                account.billingCommitment.startSecond = second
                account.billingCommitment.endSecond = 0
            } else {
                account.billingCommitment.endSecond = second
            }
            return [.accountChanged(account)]
        }
        return UpdateAccountSettingsResponse(minimumThroughputBillingCommitment: commitment)
    }

    private var commitment: BillingCommitment {
        let kept = catalogue.known.account?.billingCommitment ?? AccountState.BillingCommitment()
        func time(_ second: UInt64) -> Int64? { second == 0 ? nil : Int64(second) * 1000 }
        return BillingCommitment(
            status: kept.isEnabled ? .enabled : .disabled, startedAtMilliseconds: time(kept.startSecond),
            endedAtMilliseconds: time(kept.endSecond))
    }
}
