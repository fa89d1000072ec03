import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/**
 * An independent client that knows only the contract: enrolls a PKCS#12 made by keytool, publishes the inventory of three
 * stores, commands the replacement, reads result and jobs, and opens what the jobs hold with java.security.KeyStore.
 */
public final class CertswapClient {
    private static final String USER = "JAVA\\carol";
    private static final String PFX_PASSWORD = "java-pfx-password";
    private static final String STORE_PASSWORD = "java-store-password";
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final int EXISTING = 880_001;
    private static final int NEW = 880_002;

    private final Contract contract;
    private final Broker broker;
    private final Map<String, Integer> partitionOfStore = new HashMap<>();
    private KeyStore enrolled;

    private CertswapClient(Contract contract, Broker broker) {
        this.contract = contract;
        this.broker = broker;
    }

    public static void main(String[] arguments) throws Exception {
        Contract contract = new Contract(Path.of(arguments[1]), arguments.length > 2 ? arguments[2] : null);
        try (Broker broker = new Broker(arguments[0], "certificate.replace.results", "certstore.jobs")) {
            new CertswapClient(contract, broker).run();
        }
        System.out.println("the Java client is content");
    }

    private void run() throws Exception {
        enroll(keytoolPkcs12());
        String modern = store("MODERN", "REQUIRED");
        String legacy = store("LEGACY", "OPTIONAL");
        String trust = store("MODERN", "FORBIDDEN");
        List<String> stores = List.copyOf(new TreeSet<>(List.of(modern, legacy, trust)));
        awaitDryRun(stores);

        String commandId = UUID.randomUUID().toString();
        command(commandId, false);
        GenericRecord result = result(commandId);
        Contract.checkEqual("COMPLETED", Contract.text(result, "status"), "status");
        Contract.checkEqual(stores, Contract.texts(result, "successfulStores"), "successful stores");
        Contract.checkEqual(3, result.get("jobCount"), "job count");
        Contract.checkEqual(NEW, result.get("certificateId"), "certificate");
        Contract.checkEqual(Contract.uuid5(UUID.fromString(commandId), "result").toString(),
                Contract.text(result, "resultId"), "result id");

        Map<String, GenericRecord> jobs = jobs(commandId);
        Contract.checkEqual(new TreeSet<>(stores), new TreeSet<>(jobs.keySet()), "stores of the jobs");
        openKeyStore(jobs.get(modern));
        openKeyStore(jobs.get(legacy));
        openTrustStore(jobs.get(trust));
    }

    private byte[] keytoolPkcs12() throws Exception {
        Path folder = Files.createTempDirectory("certswap-java");
        Path file = folder.resolve("made.p12");
        Process keytool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-storetype", "PKCS12", "-keystore", file.toString(), "-storepass", PFX_PASSWORD,
                "-keyalg", "EC", "-groupname", "secp256r1", "-alias", "made", "-dname", "CN=java.example")
                .redirectErrorStream(true).start();
        String told = new String(keytool.getInputStream().readAllBytes(), UTF_8);
        Contract.check(keytool.waitFor() == 0, "keytool: " + told);
        byte[] content = Files.readAllBytes(file);
        Files.delete(file);
        Files.delete(folder);
        enrolled = load(content, PFX_PASSWORD);
        return content;
    }

    private static KeyStore load(byte[] content, String password) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new ByteArrayInputStream(content), password.toCharArray());
        return store;
    }

    private void enroll(byte[] pfx) throws Exception {
        Schema schema = contract.schema("CertificateEnrolled");
        Schema credential = Contract.branch(Contract.field(schema, "credential"), "Credential");
        Map<String, Object> fields = new HashMap<>();
        fields.put("eventId", UUID.randomUUID().toString());
        fields.put("occurredAt", System.currentTimeMillis());
        fields.put("certificateId", NEW);
        fields.put("requestId", NEW + 1);
        fields.put("requester", USER);
        fields.put("certificateFormat", "Replace");
        fields.put("thumbprint", Contract.sha1Hex(enrolled.getCertificate("made").getEncoded()));
        fields.put("credential", Contract.record(credential, Map.of(
                "format", Contract.symbol(Contract.field(credential, "format"), "PKCS12"),
                "content", ByteBuffer.wrap(pfx), "password", PFX_PASSWORD)));
        broker.send("certificate.enrollments", Integer.toString(NEW),
                contract.encode("certificate.enrollments", Contract.record(schema, fields)), Map.of());
    }

    /** Publishes a store that holds the existing certificate; gives its id. */
    private String store(String profile, String privateKey) throws Exception {
        String storeId = UUID.randomUUID().toString();
        Schema schema = contract.schema("StoreInventory");
        Schema type = Contract.field(schema, "storeType");
        Schema agent = Contract.branch(Contract.field(schema, "agent"), "Agent");
        Schema entry = Contract.field(schema, "entries").getElementType();
        Map<String, Object> fields = new HashMap<>();
        fields.put("storeId", storeId);
        fields.put("storeType", Contract.record(type, Map.of("shortName", "JKS",
                "format", Contract.symbol(Contract.field(type, "format"), "PKCS12"),
                "pkcs12Profile", Contract.symbol(Contract.field(type, "pkcs12Profile"), profile),
                "entryPasswordRequired", false,
                "privateKey", Contract.symbol(Contract.field(type, "privateKey"), privateKey), "addSupported", true)));
        fields.put("clientMachine", "java.example");
        fields.put("storePath", "/opt/java/" + profile + ".p12");
        fields.put("approved", true);
        fields.put("agent", Contract.record(agent, Map.of("agentId", UUID.randomUUID().toString())));
        fields.put("entries", List.of(Contract.record(entry, Map.of("alias", "server", "certificateId", EXISTING,
                "thumbprint", "AB".repeat(20), "chainLevel", 0, "hasPrivateKey", true))));
        fields.put("inventoriedAt", System.currentTimeMillis());
        RecordMetadata sent = broker.send("certstore.inventory", storeId,
                contract.encode("certstore.inventory", Contract.record(schema, fields)), Map.of());
        partitionOfStore.put(storeId, sent.partition());
        return storeId;
    }

    private void command(String commandId, boolean dryRun) throws Exception {
        Schema schema = contract.schema("ReplaceCommand");
        Map<String, Object> fields = new HashMap<>();
        fields.put("commandId", commandId);
        fields.put("existingCertificateId", EXISTING);
        fields.put("certificateId", NEW);
        fields.put("password", STORE_PASSWORD);
        fields.put("principal", Contract.record(Contract.field(schema, "principal"), Map.of("user", USER, "permissions",
                List.of("/certificates/enrollment/pfx/", "/certificate_stores/schedule/"))));
        fields.put("dryRun", dryRun);
        fields.put("issuedAt", System.currentTimeMillis());
        broker.send("certificate.replace.commands", commandId,
                contract.encode("certificate.replace.commands", Contract.record(schema, fields)), Map.of("traceparent", "00-" + TRACE + "-00f067aa0ba902b7-01", "correlation-id", "java-7"));
    }

    private GenericRecord result(String commandId) throws Exception {
        List<ConsumerRecord<String, byte[]>> found = broker.await("certificate.replace.results", 1,
                Duration.ofSeconds(60), record -> record.key().equals(commandId));
        checkHeaders(found.get(0), "ReplaceResult", commandId);
        return contract.decode("ReplaceResult", found.get(0));
    }

    /** Dry runs until the inventory and the staged certificate have arrived: no topic waits for another. */
    private void awaitDryRun(List<String> stores) throws Exception {
        for (int attempt = 0; attempt < 200; attempt++) {
            String commandId = UUID.randomUUID().toString();
            command(commandId, true);
            GenericRecord result = result(commandId);
            if (stores.equals(Contract.texts(result, "successfulStores"))) {
                return;
            }
            Thread.sleep(50);
        }
        throw new IllegalStateException("the dry run never found the three stores");
    }

    private Map<String, GenericRecord> jobs(String commandId) throws Exception {
        Map<String, GenericRecord> jobs = new HashMap<>();
        for (ConsumerRecord<String, byte[]> record : broker.await("certstore.jobs", 3, Duration.ofSeconds(30),
                record -> true)) {
            GenericRecord job = contract.decode("StoreJob", record);
            if (!commandId.equals(Contract.text(job, "commandId"))) {
                continue;
            }
            String storeId = Contract.text(job, "storeId");
            checkHeaders(record, "StoreJob", storeId);
            Contract.checkEqual(storeId, record.key(), "key of a job");
            Contract.checkEqual(partitionOfStore.get(storeId), record.partition(),
                    "partition of the job beside that of the inventory");
            Contract.checkEqual(Contract.uuid5(UUID.fromString(commandId), storeId + "/server").toString(),
                    Contract.text(job, "jobId"), "job id");
            Contract.checkEqual(USER, Contract.text(job, "requestedBy"), "requested by");
            Contract.check(jobs.put(storeId, job) == null, "two jobs for one store and alias");
        }
        return jobs;
    }

    private static void checkHeaders(ConsumerRecord<String, byte[]> record, String type, String subject) {
        Map<String, String> headers = Broker.headers(record);
        Contract.checkEqual("1.0", headers.get("ce_specversion"), "ce_specversion");
        Contract.checkEqual("io.certswap.v1." + type, headers.get("ce_type"), "ce_type");
        Contract.checkEqual(subject, headers.get("ce_subject"), "ce_subject");
        Contract.checkEqual("application/avro", headers.get("content-type"), "content-type");
        Contract.checkEqual("java-7", headers.get("correlation-id"), "correlation-id");
        Contract.check(headers.get("traceparent").matches("00-" + TRACE + "-[0-9a-f]{16}-01"), "traceparent");
    }

    private static byte[] content(GenericRecord job) {
        GenericRecord credential = (GenericRecord) job.get("credential");
        Contract.checkEqual(STORE_PASSWORD, Contract.text(credential, "password"), "password of the content");
        ByteBuffer content = ((ByteBuffer) credential.get("content")).duplicate();
        byte[] bytes = new byte[content.remaining()];
        content.get(bytes);
        return bytes;
    }

    /** The content opens as a key store that holds the enrolled key and certificate. */
    private void openKeyStore(GenericRecord job) throws Exception {
        KeyStore store = load(content(job), STORE_PASSWORD);
        List<String> aliases = Collections.list(store.aliases());
        Contract.checkEqual(List.of("java.example"), aliases, "aliases");
        Key key = store.getKey(aliases.get(0), STORE_PASSWORD.toCharArray());
        Key expected = enrolled.getKey("made", PFX_PASSWORD.toCharArray());
        Contract.check(Arrays.equals(expected.getEncoded(), key.getEncoded()), "the key is the enrolled one");
        checkCertificate(store.getCertificate(aliases.get(0)));
    }

    /** The content opens as a trust store: the certificate alone. */
    private void openTrustStore(GenericRecord job) throws Exception {
        KeyStore store = load(content(job), STORE_PASSWORD);
        List<String> aliases = Collections.list(store.aliases());
        Contract.checkEqual(1, aliases.size(), "number of aliases");
        Contract.check(store.isCertificateEntry(aliases.get(0)), "a certificate entry");
        checkCertificate(store.getCertificate(aliases.get(0)));
    }

    private void checkCertificate(Certificate found) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        Certificate expected = factory.generateCertificate(
                new ByteArrayInputStream(enrolled.getCertificate("made").getEncoded()));
        Contract.checkEqual(expected, found, "certificate");
    }
}
