import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Somebody else's program: reads so many records of a topic as docs/subscribe.md says, and prints what it got. */
class Subscriber {
    public static void main(String[] arguments) {
        var settings = Map.<String, Object>of(
            "bootstrap.servers", arguments[0], "group.id", arguments[1] + "others",
            "isolation.level", "read_committed", "auto.offset.reset", "earliest");
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(arguments[1]));
            var left = Integer.parseInt(arguments[2]);
            while (left > 0) {
                for (var each : consumer.poll(Duration.ofSeconds(1))) {
                    System.out.println(String.join("\t", each.key(), header(each, "ce_id"), header(each, "ce_type"),
                        header(each, "ce_partitionkey"), header(each, "content-type"), each.value()));
                    left--;
                }
            }
            consumer.commitSync();
        }
    }

    private static String header(ConsumerRecord<String, String> from, String name) {
        return new String(from.headers().lastHeader(name).value());
    }
}
