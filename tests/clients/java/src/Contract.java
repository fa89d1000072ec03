import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.BinaryMessageEncoder;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * The contract as Avro's own tools see it: the schema files, single-object encoding, derived ids; with a registry the
 * framing of Apicurio's serializers that Confluent's have too.
 */
final class Contract {
    private static final Map<String, String> FILES = Map.of(
            "CertificateEnrolled", "certificate-enrolled.avsc", "StoreInventory", "store-inventory.avsc",
            "ReplaceCommand", "replace-command.avsc", "StoreJob", "store-job.avsc",
            "ReplaceResult", "replace-result.avsc");

    private final Map<String, Schema> schemas = new TreeMap<>();
    private final AvroKafkaSerializer<GenericRecord> serializer;
    private final AvroKafkaDeserializer<GenericRecord> deserializer;

    /** With the URL of a registry (without the path of an API) in Confluent's framing, else (null) single objects. */
    Contract(Path folder, String registry) throws IOException {
        serializer = registry != null ? new AvroKafkaSerializer<>() : null;
        deserializer = registry != null ? new AvroKafkaDeserializer<>() : null;
        if (registry != null) {
            Map<String, Object> settings = Map.of("apicurio.registry.url", registry + "/apis/registry/v2",
                    "apicurio.registry.artifact-resolver-strategy",
                    "io.apicurio.registry.serde.strategy.TopicIdStrategy",
                    "apicurio.registry.as-confluent", true, "apicurio.registry.use-id", "contentId",
                    "apicurio.registry.headers.enabled", false, "apicurio.registry.auto-register", true);
            serializer.configure(settings, false);
            deserializer.configure(settings, false);
        }
        for (Map.Entry<String, String> file : FILES.entrySet()) {
            schemas.put(file.getKey(), new Schema.Parser().parse(folder.resolve(file.getValue()).toFile()));
        }
    }

    Schema schema(String record) {
        return schemas.get(record);
    }

    byte[] encode(String topic, GenericRecord record) throws IOException {
        if (serializer != null) {
            return serializer.serialize(topic, record);
        }
        ByteBuffer out = new BinaryMessageEncoder<GenericRecord>(GenericData.get(), record.getSchema()).encode(record);
        byte[] bytes = new byte[out.remaining()];
        out.get(bytes);
        return bytes;
    }

    GenericRecord decode(String record, ConsumerRecord<String, byte[]> message) throws IOException {
        if (deserializer == null) {
            return new BinaryMessageDecoder<GenericRecord>(GenericData.get(), schema(record)).decode(message.value());
        }
        GenericRecord decoded = deserializer.deserialize(message.topic(), message.value());
        checkEqual("io.certswap.v1." + record, decoded.getSchema().getFullName(), "schema of " + message.topic());
        return decoded;
    }

    /** A record of a schema; fields that are not given take their defaults. */
    static GenericRecord record(Schema schema, Map<String, Object> fields) {
        GenericRecordBuilder builder = new GenericRecordBuilder(schema);
        fields.forEach(builder::set);
        return builder.build();
    }

    /** The branch of a union that is the record of this name. */
    static Schema branch(Schema union, String name) {
        return union.getTypes().stream().filter(type -> type.getName().equals(name)).findFirst().orElseThrow();
    }

    static Schema field(Schema record, String name) {
        return record.getField(name).schema();
    }

    static Object symbol(Schema enumeration, String name) {
        return new GenericData.EnumSymbol(enumeration, name);
    }

    static String text(GenericRecord record, String field) {
        Object value = record.get(field);
        return value == null ? null : value.toString();
    }

    static List<String> texts(GenericRecord record, String field) {
        return ((List<?>) record.get(field)).stream().map(Object::toString).toList();
    }

    /** Version 5 of RFC 9562. */
    static UUID uuid5(UUID namespace, String name) throws NoSuchAlgorithmException {
        MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
        sha1.update(ByteBuffer.allocate(16).putLong(namespace.getMostSignificantBits())
                .putLong(namespace.getLeastSignificantBits()).array());
        byte[] hash = Arrays.copyOf(sha1.digest(name.getBytes(StandardCharsets.UTF_8)), 16);
        hash[6] = (byte) (hash[6] & 0x0f | 0x50);
        hash[8] = (byte) (hash[8] & 0x3f | 0x80);
        ByteBuffer bytes = ByteBuffer.wrap(hash);
        return new UUID(bytes.getLong(), bytes.getLong());
    }

    static String sha1Hex(byte[] data) throws NoSuchAlgorithmException {
        return HexFormat.of().withUpperCase().formatHex(MessageDigest.getInstance("SHA-1").digest(data));
    }

    static void check(boolean condition, String what) {
        if (!condition) {
            throw new IllegalStateException(what);
        }
    }

    static void checkEqual(Object expected, Object found, String what) {
        check(expected == null ? found == null : expected.equals(found),
                what + ": expected " + expected + ", found " + found);
    }
}
