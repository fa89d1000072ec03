# certswap_consumed_messages(target): links support/consumed_message.c in, in front of librdkafka.
function(certswap_consumed_messages target)
  target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/consumed_message.c)
  target_link_options(${target} PRIVATE -Wl,--wrap=rd_kafka_message_headers,--wrap=rd_kafka_topic_name)
endfunction()
