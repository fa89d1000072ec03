import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Apache Kafka's own clients with their defaults, reading what is committed. */
final class Broker implements AutoCloseable {
    private final KafkaProducer<String, byte[]> producer;
    private final KafkaConsumer<String, byte[]> consumer;
    private final List<ConsumerRecord<String, byte[]>> read = new ArrayList<>();

    Broker(String bootstrap, String... topics) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        producer = new KafkaProducer<>(properties, new StringSerializer(), new ByteArraySerializer());
        properties.put("isolation.level", "read_committed");
        properties.put("group.id", "java-client-" + UUID.randomUUID());
        properties.put("enable.auto.commit", "false");
        consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new ByteArrayDeserializer());
        List<TopicPartition> partitions = new ArrayList<>();
        for (String topic : topics) {
            consumer.partitionsFor(topic).forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
        }
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
    }

    RecordMetadata send(String topic, String key, byte[] value, Map<String, String> headers) throws Exception {
        ProducerRecord<String, byte[]> record = new ProducerRecord<>(topic, key, value);
        headers.forEach((name, text) -> record.headers().add(name, text.getBytes(StandardCharsets.UTF_8)));
        return producer.send(record).get();
    }

    /** Waits until so many records of the topic are there that the filter accepts; gives all of these. */
    List<ConsumerRecord<String, byte[]>> await(String topic, int count, Duration limit,
            Predicate<ConsumerRecord<String, byte[]>> filter) {
        long end = System.nanoTime() + limit.toNanos();
        while (true) {
            List<ConsumerRecord<String, byte[]>> found =
                    read.stream().filter(record -> record.topic().equals(topic)).filter(filter).toList();
            if (found.size() >= count) {
                return found;
            }
            Contract.check(System.nanoTime() < end, "waited in vain for " + count + " records in " + topic);
            consumer.poll(Duration.ofMillis(100)).forEach(read::add);
        }
    }

    static Map<String, String> headers(ConsumerRecord<String, byte[]> record) {
        Map<String, String> headers = new HashMap<>();
        for (Header header : record.headers()) {
            headers.put(header.key(), new String(header.value(), StandardCharsets.UTF_8));
        }
        return headers;
    }

    @Override
    public void close() {
        producer.close();
        consumer.close();
    }
}
